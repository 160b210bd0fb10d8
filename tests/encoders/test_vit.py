"""The ViT of re-identification: published names, the whole forward pass in plain steps, and its two
branches."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

from raydist.encoders.backbone import Backbone
from raydist.encoders.build import build_encoder
from raydist.encoders.encoder import Encoder
from raydist.encoders.tokens import resize_positions
from raydist.encoders.vit import VIT_B16, vit, with_shallow_branch
from raydist.encoders.weights.files import read_weights
from raydist.encoders.weights.fits import Fit, Misfit
from raydist.encoders.weights.loading import fill, matched
from raydist.errors import ConfigError

DEPTH, WIDTH, HEADS = 3, 12, 3

State = dict[str, Tensor]

pytestmark = pytest.mark.usefixtures("tiny_vit")


def tiny() -> Backbone:
    return vit(depth=DEPTH, width=WIDTH, heads=HEADS)


def shapes_of(width: int, depth: int) -> dict[str, tuple[int, ...]]:
    """What TransReID-SSL's files hold, in their order."""
    shapes: dict[str, tuple[int, ...]] = {"cls_token": (1, 1, width), "pos_embed": (1, 129, width)}
    for first, channels in ((0, 3), (3, 64)):
        half = {"IN.weight", "IN.bias", "BN.weight", "BN.bias", "BN.running_mean", "BN.running_var"}
        shapes |= {f"patch_embed.conv.{first}.weight": (64, channels, 3 if first else 7, 3 if first else 7)}
        shapes |= {f"patch_embed.conv.{first + 1}.{name}": (32,) for name in sorted(half)}
        shapes |= {f"patch_embed.conv.{first + 1}.BN.num_batches_tracked": ()}
    shapes |= {"patch_embed.conv.6.weight": (64, 64, 3, 3)}
    shapes |= {
        f"patch_embed.conv.7.{name}": (64,) for name in ("weight", "bias", "running_mean", "running_var")
    }
    shapes |= {"patch_embed.conv.7.num_batches_tracked": ()}
    shapes |= {"patch_embed.proj.weight": (width, 64, 8, 8), "patch_embed.proj.bias": (width,)}
    linear = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
    linear |= {"mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
    for n in range(depth):
        shapes |= {
            f"blocks.{n}.{norm}.{kind}": (width,)
            for norm in ("norm1", "norm2")
            for kind in ("weight", "bias")
        }
        shapes |= {f"blocks.{n}.{name}.weight": shape for name, shape in linear.items()}
        shapes |= {f"blocks.{n}.{name}.bias": shape[:1] for name, shape in linear.items()}
    return shapes | {"norm.weight": (width,), "norm.bias": (width,)}


def published_state(*, seed: int = 0) -> State:
    """A small file of those names."""
    generator = torch.Generator().manual_seed(seed)
    state = {
        name: 0.3 * torch.randn(shape, generator=generator) for name, shape in shapes_of(WIDTH, DEPTH).items()
    }
    return {
        name: value.abs() + 0.5 if name.endswith("running_var") else value for name, value in state.items()
    }


def prefixed(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


def of_dino(state: State) -> dict[str, object]:
    head = {
        "module.head.mlp.0.weight": torch.zeros(4, WIDTH),
        "module.head.last_layer.weight_g": torch.zeros(4),
    }
    student = prefixed("module.backbone.", {name: torch.zeros_like(value) for name, value in state.items()})
    return {"student": student, "teacher": prefixed("module.backbone.", state) | head, "epoch": 100}


def save(state: object, path: Path) -> Path:
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(published_state(), tmp_path_factory.mktemp("weights") / "w.pth")


def loaded(path: Path) -> nn.Sequential:
    layers = tiny().build()
    fit = matched(read_weights(path), tiny())
    assert isinstance(fit, Fit)
    fill(layers, fit.stems[0] | fit.trunk)
    return layers


class Oracle:
    """One frame [3, H, W] at a time, in evaluation, by the published names; float64."""

    def __init__(self, state: State) -> None:
        self.state = {name: value.double() for name, value in state.items()}

    def stem(self, frame: Tensor) -> Tensor:
        """[3, H, W] -> [64, H / 2, W / 2]."""
        maps = frame.double()
        for conv, stride in ((0, 2), (3, 1), (6, 1)):
            kernel = self.state[f"patch_embed.conv.{conv}.weight"]
            maps = functional.conv2d(maps.unsqueeze(0), kernel, stride=stride, padding=kernel.shape[2] // 2)[
                0
            ]
            own = 0 if conv == 6 else 32
            channels = []
            for c, x in enumerate(maps):
                name = f"patch_embed.conv.{conv + 1}" + ("" if conv == 6 else ".IN" if c < own else ".BN")
                of = {k: self.state[f"{name}.{k}"][c % own if own else c] for k in ("weight", "bias")}
                if c < own:
                    mean, variance = x.mean(), x.var(correction=0)
                else:
                    mean, variance = (self.state[f"{name}.running_{k}"][c - own] for k in ("mean", "var"))
                channels.append((x - mean) / (variance + 1e-5).sqrt() * of["weight"] + of["bias"])
            maps = torch.stack(channels).clamp(min=0)
        return maps

    def tokens(self, frame: Tensor) -> Tensor:
        """[3, H, W] -> [1 + n, D]."""
        maps = self.stem(frame)
        height, width = maps.shape[1] // 8, maps.shape[2] // 8
        tokens = [self.state["cls_token"][0, 0]]
        for r in range(height):
            for c in range(width):
                patch = maps[:, 8 * r : 8 * r + 8, 8 * c : 8 * c + 8]
                patch = (self.state["patch_embed.proj.weight"] * patch).sum((1, 2, 3)) + self.state[
                    "patch_embed.proj.bias"
                ]
                tokens.append(patch)
        return torch.stack(tokens) + resize_positions(self.state["pos_embed"][0], height, width, grid=(16, 8))

    def norm(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(
            x, (WIDTH,), self.state[f"{name}.weight"], self.state[f"{name}.bias"], eps=1e-6
        )

    def linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def block(self, x: Tensor, n: int) -> Tensor:
        """[1 + n, D] -> [1 + n, D]; queries, keys and values lie behind each other, each head by head."""
        each = WIDTH // HEADS
        q, k, v = (
            self.linear(self.norm(x, f"blocks.{n}.norm1"), f"blocks.{n}.attn.qkv")
            .view(-1, 3, HEADS, each)
            .unbind(1)
        )
        heads = [((q[:, h] @ k[:, h].T) / math.sqrt(each)).softmax(1) @ v[:, h] for h in range(HEADS)]
        x = x + self.linear(torch.cat(heads, dim=1), f"blocks.{n}.attn.proj")
        hidden = self.linear(self.norm(x, f"blocks.{n}.norm2"), f"blocks.{n}.mlp.fc1")
        return x + self.linear(hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2))), f"blocks.{n}.mlp.fc2")

    def branches(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """The features [D] of the deep branch and of the shallow one."""
        entered = x = self.tokens(frame)
        for n in range(DEPTH - 1):
            x = self.block(x, n)
        shallow = torch.cat([x[:1], entered[1:]])
        deep, shallow = (self.norm(self.block(tokens, DEPTH - 1)[0], "norm") for tokens in (x, shallow))
        return deep, shallow


@pytest.mark.parametrize("size", [(288, 144), (64, 32), (16, 16)])
def test_both_branches_equal_the_formula(weights: Path, size: tuple[int, int]):
    frames = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    deep, shallow = (
        torch.stack(x) for x in zip(*map(Oracle(published_state()).branches, frames), strict=True)
    )
    layers = loaded(weights).eval()
    with torch.no_grad():
        one = layers(frames).double()
        two = with_shallow_branch(layers)(frames).double()
    assert one.shape == (2, WIDTH, 1, 1)
    assert two.shape == (2, 2 * WIDTH, 1, 1)
    assert torch.allclose(one.flatten(1), deep, atol=1e-4)
    assert torch.allclose(two.flatten(1), torch.cat([deep, shallow], dim=1), atol=1e-4)
    assert not torch.allclose(deep, shallow, atol=2e-3)


def test_sizes_are_the_published_ones():
    layers = VIT_B16.build()
    counters = {name for name in layers.state_dict() if name.endswith("num_batches_tracked")}
    wanted = {name: math.prod(shape) for name, shape in shapes_of(768, 12).items()}
    assert len(counters) == 3
    assert sorted(v.numel() for v in layers.state_dict().values()) == sorted(wanted.values())
    # the blocks, two normalisations and the class token of every ViT-B; then stem, patches and 16 x 8
    # positions
    blocks, stem = 12 * 7_087_872 + 2 * 768 + 768, 3 * 64 * 49 + 2 * 64 * 64 * 9 + 3 * 128
    assert sum(p.numel() for p in layers.parameters()) == blocks + stem + 768 * (64 * 64 + 1) + 129 * 768


@pytest.mark.parametrize(
    ("suffix", "form"),
    [
        ("safetensors", dict),
        ("pth", dict),
        ("pth", lambda state: prefixed("module.", state)),
        (
            "safetensors",
            lambda state: prefixed("backbone.", state) | {"head.mlp.0.weight": torch.zeros(4, WIDTH)},
        ),
        ("pth", of_dino),
    ],
)
def test_published_names_come_back(tmp_path: Path, suffix: str, form):
    state = published_state()
    held = loaded(save(form(state), tmp_path / f"w.{suffix}")).state_dict()
    assert len(held) == len(state)
    assert torch.equal(held["tokens.class_embedding"], state["cls_token"][0, 0])
    assert torch.equal(held["tokens.positional_embedding"], state["pos_embed"][0])
    assert torch.equal(held["patch_embed.conv.1.BN.running_var"], state["patch_embed.conv.1.BN.running_var"])
    assert torch.equal(held["blocks.2.attn.in_proj_weight"], state["blocks.2.attn.qkv.weight"])
    assert torch.equal(held["norm.bias"], state["norm.bias"])


def why_not(path: Path) -> str:
    misfit = matched(read_weights(path), tiny())
    assert isinstance(misfit, Misfit)
    return misfit.why()


def test_other_weights_are_refused(tmp_path: Path):
    state = published_state()
    plain = {name: value for name, value in state.items() if ".conv." not in name}
    plain["patch_embed.proj.weight"] = torch.zeros(WIDTH, 3, 16, 16)
    why = why_not(save(plain, tmp_path / "w.pth"))
    assert re.search(
        r"missing patch_embed\.conv\.0.*proj\.weight \(12, 3, 16, 16\) for \(12, 64, 8, 8\)", why
    )
    square = state | {"pos_embed": torch.zeros(1, 197, WIDTH)}
    assert "positional_embedding (197, 12) for (129, 12)" in why_not(save(square, tmp_path / "w.pth"))


def batch(*, num_clips: int = 4) -> tuple[Tensor, Tensor]:
    frames = torch.rand(num_clips, 2, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    return frames, torch.arange(num_clips) % 2


def encoder(weights: Path | None = None, **more) -> Encoder:
    return build_encoder("vit_b16", weights=weights, seed=0, **more)


def test_each_modality_has_a_stem_of_its_own_and_the_blocks_are_shared(weights: Path):
    built = encoder(weights)
    state = published_state()
    assert len(built.backbone.stems) == 2
    for stem in built.backbone.stems:
        assert torch.equal(stem.patch_embed.conv[0].weight, state["patch_embed.conv.0.weight"])
    assert torch.equal(built.backbone.trunk.blocks[1].mlp.c_fc.bias, state["blocks.1.mlp.fc1.bias"])


def test_both_branches_start_from_the_last_block_of_the_file(weights: Path):
    branches = encoder(weights, branches=2).backbone.trunk.branches
    for branch in (branches.deep, branches.shallow):
        assert torch.equal(branch[0].mlp.c_fc.bias, published_state()["blocks.2.mlp.fc1.bias"])
        assert torch.equal(branch[1].weight, published_state()["norm.weight"])
    assert branches.deep[0].mlp.c_fc.bias is not branches.shallow[0].mlp.c_fc.bias


def test_the_deep_branch_is_the_encoder_with_one():
    one, two = encoder().eval(), encoder(branches=2).eval()
    assert (one.width, one.num_branches) == (WIDTH, 1)
    assert (two.width, two.num_branches) == (2 * WIDTH, 2)
    with torch.no_grad():
        for alone, joined in zip(one(*batch()), two(*batch()), strict=True):
            deep = joined[..., :WIDTH]
            assert torch.allclose(
                functional.normalize(deep, dim=-1), functional.normalize(alone, dim=-1), atol=1e-5
            )


@pytest.mark.parametrize("training", [True, False])
def test_each_branch_has_its_own_neck_and_half_of_the_length(weights: Path, training: bool):
    built = encoder(weights, branches=2).train(training)
    before = []
    built.neck.register_forward_pre_hook(lambda _, given: before.append(given[0].detach()))
    with torch.no_grad():
        out = built(*batch())
    for part in (slice(0, WIDTH), slice(WIDTH, None)):
        x = before[0][:, part]
        mean, variance = (x.mean(0), x.var(0, correction=0)) if training else (0.0, torch.tensor(1.0))
        after = (x - mean) / (variance + 1e-5).sqrt()
        assert torch.allclose(
            out.tracklet[:, part], after / after.norm(dim=1, keepdim=True) / 2**0.5, atol=1e-4
        )
    assert torch.allclose(out.frame.norm(dim=-1), torch.ones(4, 2))
    assert torch.allclose(out.frame[..., :WIDTH].norm(dim=-1), torch.full((4, 2), 0.5**0.5))


def test_the_shallow_branch_reads_the_class_token_of_the_deep_blocks(weights: Path):
    built = encoder(weights, branches=2)
    built(*batch()).raw[0, WIDTH:].sum().backward()
    trunk = built.backbone.trunk.named_parameters()
    reached = {n.partition(".block.")[0] for n, p in trunk if p.grad is not None and p.grad.any()}
    assert reached >= {
        "blocks.0",
        "blocks.1",
        "branches.shallow.0.mlp.c_fc.weight",
        "tokens.positional_embedding",
    }
    assert not any(n.startswith("branches.deep.") for n in reached)


def test_recomputed_blocks_give_the_same_step(weights: Path):
    def step(recompute: bool) -> dict[str, Tensor]:
        built = encoder(weights, branches=2, recompute=recompute).train()
        out = built(*batch())
        (out.tracklet[:, ::5].sum() + out.raw.square().mean()).backward()
        return {n: p.grad for n, p in built.named_parameters() if p.grad is not None} | dict(
            built.named_buffers()
        )

    kept, again = step(recompute=False), step(recompute=True)
    assert kept.keys() == again.keys()
    assert all(torch.equal(value, again[name]) for name, value in kept.items())


def test_there_are_one_branch_or_two():
    with pytest.raises(ConfigError, match=r"encoder\.branches = 3: vit_b16 has 1 branch or 2"):
        encoder(branches=3)


@pytest.mark.parametrize("name", ["small", "resnet50", "mobilenet_v2"])
def test_other_architectures_have_one_branch(name: str):
    with pytest.raises(ConfigError, match=rf"encoder\.branches = 2: {name} has 1 branch; vit_b16"):
        build_encoder(name, branches=2, seed=0)
