"""The image tower of CLIP: names, sizes, and the whole forward pass in plain steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.nn import functional

from raydist.encoders.backbone import Backbone
from raydist.encoders.build import build_encoder
from raydist.encoders.clip_vit import CLIP_VIT_B16, clip_vit
from raydist.encoders.tokens import resize_positions
from raydist.encoders.weights.files import read_weights
from raydist.encoders.weights.fits import Fit, Misfit
from raydist.encoders.weights.loading import fill, matched
from raydist.errors import DataError

DEPTH, WIDTH, HEADS = 2, 24, 3

State = dict[str, Tensor]


def tiny() -> Backbone:
    return clip_vit(depth=DEPTH, width=WIDTH, heads=HEADS)


def published(width: int = WIDTH, depth: int = DEPTH, *, seed: int = 0) -> State:
    """An image tower as OpenAI names it, in the order and half precision of its files."""
    shapes: dict[str, tuple[int, ...]] = {
        "class_embedding": (width,),
        "positional_embedding": (197, width),
        "proj": (width, 512),
        "conv1.weight": (width, 3, 16, 16),
        "ln_pre.weight": (width,),
        "ln_pre.bias": (width,),
    }
    for n in range(depth):
        block = {
            "attn.in_proj_weight": (3 * width, width),
            "attn.in_proj_bias": (3 * width,),
            "attn.out_proj.weight": (width, width),
            "attn.out_proj.bias": (width,),
            "ln_1.weight": (width,),
            "ln_1.bias": (width,),
            "mlp.c_fc.weight": (4 * width, width),
            "mlp.c_fc.bias": (4 * width,),
            "mlp.c_proj.weight": (width, 4 * width),
            "mlp.c_proj.bias": (width,),
            "ln_2.weight": (width,),
            "ln_2.bias": (width,),
        }
        shapes |= {f"transformer.resblocks.{n}.{name}": shape for name, shape in block.items()}
    shapes |= {"ln_post.weight": (width,), "ln_post.bias": (width,)}
    generator = torch.Generator().manual_seed(seed)
    return {name: (0.3 * torch.randn(shape, generator=generator)).half() for name, shape in shapes.items()}


def with_text(tower: State) -> State:
    """The whole of CLIP; its text tower has names like those of the image tower."""
    text = {
        "positional_embedding": torch.zeros(77, 8),
        "text_projection": torch.zeros(8, 512),
        "logit_scale": torch.tensor(4.6),
        "transformer.resblocks.0.attn.in_proj_weight": torch.zeros(24, 8),
        "token_embedding.weight": torch.zeros(100, 8),
        "ln_final.weight": torch.zeros(8),
    }
    return text | prefixed("visual.", tower)


def prefixed(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


def save(state: State, path: Path) -> Path:
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path)
    return path


def oracle(state: State, frame: Tensor) -> Tensor:
    """One frame [3, H, W] to its feature [D], patch by patch."""
    state = {name: value.double() for name, value in state.items()}
    height, width = frame.shape[1] // 16, frame.shape[2] // 16

    def norm(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, (WIDTH,), state[f"{name}.weight"], state[f"{name}.bias"])

    tokens = [state["class_embedding"]]
    for r in range(height):
        for c in range(width):
            patch = frame[:, 16 * r : 16 * r + 16, 16 * c : 16 * c + 16].double()
            tokens.append((state["conv1.weight"] * patch).sum((1, 2, 3)))
    x = torch.stack(tokens) + resize_positions(state["positional_embedding"], height, width, grid=(14, 14))
    x = norm(x, "ln_pre")
    for n in range(DEPTH):
        name = f"transformer.resblocks.{n}"
        attention = torch.nn.MultiheadAttention(WIDTH, HEADS).double()
        attention.load_state_dict(
            {k.removeprefix(f"{name}.attn."): v for k, v in state.items() if f"{name}.attn" in k}
        )
        y = norm(x, f"{name}.ln_1")
        x = x + attention(y, y, y)[0]
        hidden = norm(x, f"{name}.ln_2") @ state[f"{name}.mlp.c_fc.weight"].T + state[f"{name}.mlp.c_fc.bias"]
        hidden = hidden / (1 + (-1.702 * hidden).exp())
        x = x + hidden @ state[f"{name}.mlp.c_proj.weight"].T + state[f"{name}.mlp.c_proj.bias"]
    return norm(x[0], "ln_post")


def load(layers: torch.nn.Sequential, path: Path) -> None:
    fit = matched(read_weights(path), tiny())
    assert isinstance(fit, Fit)
    fill(layers, fit.stems[0] | fit.trunk)


def why_not(path: Path) -> str:
    misfit = matched(read_weights(path), tiny())
    assert isinstance(misfit, Misfit)
    return misfit.why()


@pytest.mark.parametrize("size", [(288, 144), (64, 32), (16, 16)])
def test_tower_equals_the_formula(tmp_path: Path, size: tuple[int, int]):
    state = published()
    layers = tiny().build()
    load(layers, save(state, tmp_path / "w.pt"))
    frames = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    for training in (True, False):
        with torch.set_grad_enabled(training):
            maps = layers.train(training)(frames)
        assert maps.shape == (2, WIDTH, 1, 1)
        expected = torch.stack([oracle(state, frame) for frame in frames])
        assert torch.allclose(maps.flatten(1).double(), expected, atol=1e-4)


@pytest.mark.parametrize("size", [(224, 224), (288, 144), (256, 128), (64, 32)])
@pytest.mark.usefixtures("tiny_clip")
def test_one_encoder_takes_frames_of_every_size_in_patches(size: tuple[int, int]):
    encoder = build_encoder("clip_vit_b16", seed=0).eval()
    with torch.no_grad():
        assert encoder(torch.rand(2, 2, 3, *size), torch.tensor([0, 1])).tracklet.shape == (2, WIDTH)


@pytest.mark.parametrize("size", [(100, 48), (48, 100), (8, 8)])
def test_frames_that_do_not_divide_into_patches_are_refused(size: tuple[int, int]):
    with pytest.raises(DataError, match=rf"frames of {size[0]} x {size[1]} pixels: .* multiples of 16"):
        tiny().build()(torch.zeros(1, 3, *size))


def test_sizes_are_the_published_ones():
    layers = CLIP_VIT_B16.build()
    wanted = {name: value.shape for name, value in published(768, 12).items() if name != "proj"}
    held = {name.removeprefix("tokens."): value.shape for name, value in layers.state_dict().items()}
    assert held == wanted
    # OpenAI's tower has 86,192,640 parameters with its projection to 512 dimensions
    assert sum(p.numel() for p in layers.parameters()) == 86_192_640 - 768 * 512


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
@pytest.mark.parametrize(
    "form",
    [
        dict,
        with_text,
        lambda tower: prefixed("visual.", tower),
        lambda tower: prefixed("module.", with_text(tower)),
    ],
    ids=["tower", "whole", "tower of a whole", "wrapped whole"],
)
def test_published_names_come_back(tmp_path: Path, suffix: str, form):
    state = published()
    layers = tiny().build()
    load(layers, save(form(state), tmp_path / f"w.{suffix}"))
    held = {name.removeprefix("tokens."): value for name, value in layers.state_dict().items()}
    assert held.keys() == state.keys() - {"proj"}
    assert all(
        value.dtype == torch.float32 and torch.equal(value, state[name].float())
        for name, value in held.items()
    )


@pytest.mark.usefixtures("tiny_clip")
def test_an_encoder_starts_from_a_file_in_both_streams(tmp_path: Path):
    state = published()
    encoder = build_encoder(
        "clip_vit_b16", weights=save(with_text(state), tmp_path / "w.pt"), two_stream=True, seed=0
    )
    assert len(encoder.backbone.stems) == 2
    for stem in encoder.backbone.stems:
        assert torch.equal(stem.conv1.weight, state["conv1.weight"].float())
    assert torch.equal(encoder.backbone.trunk.tokens.class_embedding, state["class_embedding"].float())


def test_other_weights_are_refused(tmp_path: Path):
    renamed = {name.replace("resblocks", "layers"): value for name, value in published().items()}
    why = why_not(save(renamed, tmp_path / "w.safetensors"))
    assert re.search(r"missing transformer\.resblocks\.0.*unexpected transformer\.layers\.0", why)
    other_patches = published() | {"conv1.weight": torch.zeros(WIDTH, 3, 32, 32)}
    why = why_not(save(other_patches, tmp_path / "w.pt"))
    assert why.endswith("1 of 31 tensors has another shape, conv1.weight (24, 3, 32, 32) for (24, 3, 16, 16)")


@pytest.mark.usefixtures("tiny_clip")
def test_frames_are_normalised_as_clip_was_trained():
    encoder = build_encoder("clip_vit_b16", seed=0)
    grey = encoder._normalise(torch.full((1, 3, 16, 16), 0.5))[0, :, 0, 0]
    expected = [
        (0.5 - 0.48145466) / 0.26862954,
        (0.5 - 0.4578275) / 0.26130258,
        (0.5 - 0.40821073) / 0.27577711,
    ]
    assert grey.tolist() == pytest.approx(expected, abs=1e-5)
