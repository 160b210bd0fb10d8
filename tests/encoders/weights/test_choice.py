"""What an encoder starts from: stems and branches of a file and of the encoder, and the errors that say which
encoder a file is for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from raydist.encoders import clip_vit, vit
from raydist.encoders.build import build_encoder
from raydist.encoders.registry import ENCODERS
from raydist.encoders.resnet import RESNET18, agw_resnet50
from raydist.encoders.small import SMALL
from raydist.encoders.weights.choice import choices, starting_weights
from raydist.encoders.weights.files import read_weights
from raydist.encoders.weights.fits import Fit
from raydist.errors import ConfigError, DataError


def test_both_stems_start_from_a_file_of_one(tmp_path: Path, state_of, save):
    state = state_of(SMALL.build())
    encoder = build_encoder("small", weights=save(state, tmp_path / "w.pth"), two_stream=True, seed=0)
    for stem in encoder.backbone.stems:
        assert torch.equal(stem.conv1.weight, state["conv1.weight"])
        assert torch.equal(stem.bn1.running_mean, state["bn1.running_mean"])
    assert torch.equal(encoder.backbone.trunk.layer3.conv2.weight, state["layer3.conv2.weight"])


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_data_parallel_with_its_classifier_loads(tmp_path: Path, state_of, save, suffix: str):
    state = state_of(RESNET18.build())
    published = {f"module.{name}": value for name, value in state.items()}
    published |= {"module.fc.weight": torch.zeros(10, 512), "module.fc.bias": torch.zeros(10)}
    encoder = build_encoder("resnet18", weights=save(published, tmp_path / f"w.{suffix}"), seed=0)
    assert torch.equal(encoder.backbone.trunk.layer4[1].bn2.weight, state["layer4.1.bn2.weight"])


def test_an_encoder_of_ours_comes_back_with_its_stems(tmp_path: Path, state_of, save):
    own = build_encoder("small", two_stream=True, seed=3)
    own.load_state_dict(state_of(own))
    path = save(own.state_dict(), tmp_path / "encoder.safetensors")
    again = build_encoder("small", weights=path, two_stream=True, seed=0)
    assert all(
        torch.equal(a, b)
        for a, b in zip(again.backbone.state_dict().values(), own.backbone.state_dict().values(), strict=True)
        if a.is_floating_point()
    )
    assert not torch.equal(own.backbone.stems[0].conv1.weight, own.backbone.stems[1].conv1.weight)
    with pytest.raises(ConfigError, match=r"a stem for each modality.*encoder\.two_stream=true"):
        build_encoder("small", weights=path, seed=0)


@pytest.mark.parametrize("branches", [1, 2])
@pytest.mark.usefixtures("tiny_vit")
def test_branches_may_become_more_but_not_fewer(tmp_path: Path, state_of, save, branches: int):
    own = build_encoder("vit_b16", branches=branches, seed=3)
    own.load_state_dict(state_of(own))
    path = save(own.state_dict(), tmp_path / "encoder.safetensors")
    both = build_encoder("vit_b16", weights=path, branches=2, seed=0)
    ends = both.backbone.trunk.branches
    source = own.backbone.trunk.branches.shallow[0] if branches == 2 else own.backbone.trunk.blocks[2]
    assert torch.equal(ends.shallow[0].ln_1.weight, source.ln_1.weight)
    if branches == 2:
        assert not torch.equal(ends.shallow[0].ln_1.weight, ends.deep[0].ln_1.weight)
        with pytest.raises(ConfigError, match=r"two branches.*encoder\.branches=2"):
            build_encoder("vit_b16", weights=path, seed=0)


def test_the_message_names_the_encoders_that_a_file_fits(tmp_path: Path, state_of, save):
    path = save(state_of(RESNET18.build()), tmp_path / "w.pth")
    with pytest.raises(
        DataError, match=r"do not fit encoder\.name = small: .* fits encoder\.name = resnet18$"
    ):
        build_encoder("small", weights=path, seed=0)
    other = save({"a.weight": torch.zeros(3)}, tmp_path / "x.pth")
    with pytest.raises(DataError, match=r"small: none of its 45 tensors is there.*fits no encoder\.name"):
        build_encoder("small", weights=other, seed=0)


def test_values_that_are_not_finite_are_refused(tmp_path: Path, state_of, save):
    state = state_of(SMALL.build())
    state["layer1.conv1.weight"][0, 0, 0, 0] = torch.nan
    state["fc.weight"] = torch.full((2, 2), torch.nan)  # left out, so it does not matter
    path = save(state, tmp_path / "w.safetensors")
    with pytest.raises(DataError, match=r"safetensors: layer1\.conv1\.weight hold NaN"):
        starting_weights("small", path, two_stream=None, branches=1)
    whole = state | {"layer1.conv1.weight": torch.ones(state["layer1.conv1.weight"].shape, dtype=torch.int64)}
    with pytest.raises(DataError, match=r"layer1\.conv1\.weight are no floating-point numbers"):
        starting_weights("small", save(whole, tmp_path / "w.pth"), two_stream=None, branches=1)


@pytest.mark.parametrize("name", list(ENCODERS))
def test_every_encoder_takes_its_own_tensors(tmp_path: Path, monkeypatch, save, name: str):
    monkeypatch.setattr(vit, "VIT_B16", vit.vit(depth=3, width=12, heads=3))
    monkeypatch.setattr(clip_vit, "CLIP_VIT_B16", clip_vit.clip_vit(depth=2, width=24, heads=3))
    encoder = build_encoder(name, two_stream=True, seed=1)
    result = choices(read_weights(save(encoder.state_dict(), tmp_path / "w.safetensors")))
    same = {"resnet50", "agw_resnet50", "agw_resnet50_non_local"}
    assert {other for other, fit in result.items() if isinstance(fit, Fit)} == (
        same if name in same else {name}
    )


def test_the_seed_is_not_moved_by_weights(tmp_path: Path, state_of, save):
    """What weights do not give is drawn as without them: a run with weights keeps its other start values."""
    path = save(state_of(SMALL.build()), tmp_path / "w.pth")
    torch.manual_seed(5)
    with_weights = build_encoder("small", weights=path, temporal="attention", seed=0)
    drawn = torch.rand(1)
    without = build_encoder("small", temporal="attention", seed=0)
    assert torch.equal(with_weights.temporal.hidden.weight, without.temporal.hidden.weight)
    assert torch.equal(drawn, torch.rand(1, generator=torch.Generator().manual_seed(5)))


def test_blocks_of_another_width_do_not_fit_and_a_file_without_blocks_does(tmp_path: Path, save):
    def fit(of, into):
        path = save(agw_resnet50(of).state_dict(), tmp_path / f"{of}.safetensors")
        return starting_weights("agw_resnet50", path, two_stream=None, non_local=into, branches=1)

    assert not any("context" in name for name in fit("off", "one").trunk)
    assert sum("context" in name for name in fit("one", "one").trunk) == 5 * 12
    assert fit("half", "off").left_out == {"context": 60}
    with pytest.raises(DataError, match=r"agw_resnet50 with encoder.non_local = one: .* another shape"):
        fit("half", "one")
