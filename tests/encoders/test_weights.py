"""Weights from files: what fits is loaded exactly, everything else is refused and changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from raydist.encoders.build import build_encoder
from raydist.encoders.mobilenet import MOBILENET_V2
from raydist.encoders.resnet import AGW_RESNET50_NON_LOCAL, RESNET18, RESNET50
from raydist.encoders.small import SMALL
from raydist.encoders.weights import load_weights
from raydist.errors import DataError

State = dict[str, Tensor]


def other_state(layers: nn.Module, *, seed: int = 1) -> State:
    """Values that no start gives."""
    generator = torch.Generator().manual_seed(seed)
    return {
        k: torch.rand(v.shape, generator=generator) if v.is_floating_point() else torch.tensor(7)
        for k, v in layers.state_dict().items()
    }


def save(state: object, path: Path) -> Path:
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path)
    return path


def assert_holds(layers: nn.Module, state: State) -> None:
    held = layers.state_dict()
    assert all(torch.equal(held[k], v) for k, v in state.items() if not k.endswith("num_batches_tracked"))


@pytest.mark.parametrize("suffix", ["safetensors", "pth", "pt"])
def test_round_trip(tmp_path: Path, suffix: str):
    state = other_state(SMALL.build())
    layers = SMALL.build()
    load_weights(layers, save(state, tmp_path / f"w.{suffix}"))
    assert_holds(layers, state)


@pytest.mark.parametrize("prefix", ["module.", "features.", "module.backbone."])
def test_classifier_counters_and_common_prefix_do_not_matter(tmp_path: Path, prefix: str):
    state = other_state(RESNET18.build())
    published = {prefix + k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    published |= {
        "fc.weight": torch.zeros(10, 512),
        "fc.bias": torch.zeros(10),
        "classifier.1.weight": torch.zeros(10, 512),
    }
    layers = RESNET18.build()
    load_weights(layers, save(published, tmp_path / "w.safetensors"))
    assert_holds(layers, state)


@pytest.mark.parametrize("key", ["teacher", "state_dict", "model"])
def test_a_network_is_found_in_what_a_training_saved(tmp_path: Path, key: str):
    state = other_state(SMALL.build())
    saved = {
        "epoch": 7,
        "student": other_state(SMALL.build(), seed=2),
        key: {f"module.{k}": v for k, v in state.items()},
    }
    layers = SMALL.build()
    load_weights(layers, save(saved, tmp_path / "w.pth"))
    assert_holds(layers, state)


def test_both_stems_start_from_the_file(tmp_path: Path):
    state = other_state(SMALL.build())
    encoder = build_encoder("small", weights=save(state, tmp_path / "w.pth"), two_stream=True, seed=0)
    for stem in encoder.backbone.stems:
        assert torch.equal(stem.conv1.weight, state["conv1.weight"])
        assert torch.equal(stem.bn1.running_mean, state["bn1.running_mean"])
    assert torch.equal(encoder.backbone.trunk.layer3.conv2.weight, state["layer3.conv2.weight"])


def flat_names(layers: nn.Module) -> list[str]:
    """Names as in files whose inverted residuals are flat lists: ``features.2.conv.3.weight``."""
    names = []
    for name in layers.state_dict():
        block, *parts, leaf = name.split(".")
        if parts[0] != "conv":
            names.append(f"features.{name}")
            continue
        convs = layers[int(block)].conv
        first = 3 * int(parts[1]) if len(parts) == 3 else 3 * sum(isinstance(m, nn.Sequential) for m in convs)
        inner = int(parts[2]) if len(parts) == 3 else int(isinstance(convs[int(parts[1])], nn.BatchNorm2d))
        names.append(f"features.{block}.conv.{first + inner}.{leaf}")
    return names


def test_mobilenet_is_loaded_by_order_where_names_are_flat(tmp_path: Path):
    layers = MOBILENET_V2.build()
    state = other_state(layers)
    names = flat_names(layers)
    assert names[6] == "features.1.conv.0.weight"
    assert len(set(names)) == 312
    flat = dict(zip(names, state.values(), strict=True)) | {"classifier.1.weight": torch.zeros(10, 1280)}
    load_weights(layers, save(flat, tmp_path / "w.pt"))
    assert_holds(layers, state)


def test_order_is_not_trusted_in_safetensors(tmp_path: Path):
    layers = MOBILENET_V2.build()
    flat = dict(zip(flat_names(layers), other_state(layers).values(), strict=True))
    with pytest.raises(DataError, match=r"missing: .*unexpected: "):
        load_weights(layers, save(flat, tmp_path / "w.safetensors"))


def test_non_local_blocks_keep_their_start(tmp_path: Path):
    state = other_state(RESNET50.build())
    layers = AGW_RESNET50_NON_LOCAL.build()
    load_weights(layers, save(state, tmp_path / "w.safetensors"))
    assert_holds(layers, state)
    assert not layers.layer2[3].context.bn.weight.any()


class Payload:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder / "was-here"),)


def test_code_in_a_file_is_not_run(tmp_path: Path):
    path = save({"conv1.weight": Payload(tmp_path)}, tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"w\.pth: cannot be read .* save its state dict alone") as caught:
        load_weights(SMALL.build(), path)
    assert "weights_only" not in str(caught.value)
    assert not (tmp_path / "was-here").exists()


class Program(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def test_programs_are_refused(tmp_path: Path):
    path = tmp_path / "ViT-B-16.pt"
    torch.jit.script(Program()).save(path)
    with pytest.raises(
        DataError, match=r"TorchScript archive.*torch\.jit\.load\('ViT-B-16\.pt'.*'weights\.pth'"
    ):
        load_weights(SMALL.build(), path)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("keep", [0, 5, 0.5, 0.99])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str, keep: float):
    path = save(other_state(SMALL.build()), tmp_path / f"w.{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(DataError, match=rf"w\.{suffix}: cannot be read"):
        load_weights(SMALL.build(), path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"network": {"conv1.weight": torch.zeros(1)}}, "something else than named tensors"),
        ({"state_dict": {"conv1.weight": [1.0]}}, "something else than named tensors"),
        ([torch.zeros(1)], "something else than named tensors"),
        ({}, "missing: conv1.weight"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: object, message: str):
    with pytest.raises(DataError, match=message):
        load_weights(SMALL.build(), save(content, tmp_path / "w.pth"))


def test_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"nowhere\.pth: no such file"):
        load_weights(SMALL.build(), tmp_path / "nowhere.pth")


def test_values_that_are_not_finite_are_refused(tmp_path: Path):
    state = other_state(SMALL.build())
    state["layer1.conv1.weight"][0, 0, 0, 0] = torch.nan
    with pytest.raises(DataError, match=r"layer1\.conv1\.weight hold NaN"):
        load_weights(SMALL.build(), save(state, tmp_path / "w.safetensors"))


def test_what_does_not_fit_is_named_and_nothing_is_changed(tmp_path: Path):
    state = other_state(SMALL.build())
    del state["bn1.weight"]
    state["extra.weight"] = torch.zeros(1)
    state["layer1.bn1.bias"] = torch.zeros(3)
    layers = SMALL.build()
    before = {k: v.clone() for k, v in layers.state_dict().items()}
    with pytest.raises(DataError) as caught:
        load_weights(layers, save(state, tmp_path / "w.safetensors"))
    for part in ("missing: bn1.weight", "unexpected: extra.weight", "layer1.bn1.bias (3,) for (48,)"):
        assert part in str(caught.value)
    assert_holds(layers, before)
