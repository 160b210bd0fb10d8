"""Encoders by name, from a seed."""

from __future__ import annotations

import pytest
import torch

from raydist.encoders.build import build_encoder, feature_width
from raydist.encoders.encoder import Encoder
from raydist.encoders.registry import ENCODERS
from raydist.errors import ConfigError

# as published: an encoder that is not in this table has the width that its entry says
WIDTHS = {
    "small": 256,
    "resnet18": 512,
    "resnet34": 512,
    "resnet50": 2048,
    "agw_resnet50": 2048,
    "agw_resnet50_non_local": 2048,
    "mobilenet_v2": 1280,
    "clip_vit_b16": 768,
    "vit_b16": 768,
}


def equal(one: Encoder, other: Encoder) -> bool:
    state = other.state_dict()
    return all(torch.equal(v, state[k]) for k, v in one.state_dict().items())


@pytest.mark.parametrize("name", ENCODERS)
def test_every_name_builds_with_its_width(name: str):
    assert build_encoder(name, seed=0).width == feature_width(name) == WIDTHS.get(name, feature_width(name))


@pytest.mark.usefixtures("tiny_vit")
@pytest.mark.parametrize("branches", [1, 2])
def test_the_width_with_branches_is_known_without_building(branches: int):
    width = feature_width("vit_b16", branches=branches)
    assert build_encoder("vit_b16", branches=branches, seed=0).width == width == 12 * branches


def test_equal_seeds_give_equal_weights():
    assert equal(
        build_encoder("small", temporal="attention", seed=3),
        build_encoder("small", temporal="attention", seed=3),
    )
    assert not equal(build_encoder("small", seed=3), build_encoder("small", seed=4))


def test_torchs_generator_is_neither_needed_nor_disturbed():
    torch.manual_seed(11)
    first = build_encoder("small", seed=3)
    drawn = torch.rand(3)
    torch.manual_seed(11)
    assert torch.equal(torch.rand(3), drawn)
    torch.manual_seed(12)
    assert equal(first, build_encoder("small", seed=3))


def test_backbone_does_not_depend_on_pooling_and_streams():
    plain = build_encoder("small", two_stream=False, pooling="mean", seed=3).backbone
    richer = build_encoder("small", two_stream=True, pooling="stripes", temporal="attention", seed=3).backbone
    assert torch.equal(plain.trunk.layer3.conv2.weight, richer.trunk.layer3.conv2.weight)
    assert all(torch.equal(plain.stems[0].conv1.weight, stem.conv1.weight) for stem in richer.stems)


@pytest.mark.parametrize(("pooling", "width"), [("mean", 128), ("gem", 128), ("stripes", 256), (None, 256)])
def test_pooling_decides_the_width(pooling: str | None, width: int):
    encoder = build_encoder("small", pooling=pooling, seed=0).eval()
    with torch.no_grad():
        assert encoder(torch.rand(1, 1, 3, 64, 32), torch.tensor([1])).tracklet.shape == (1, width)
    assert encoder.width == feature_width("small", pooling=pooling) == width


@pytest.mark.usefixtures("tiny_clip")
def test_transformers_start_from_the_seed_too():
    assert equal(build_encoder("clip_vit_b16", seed=3), build_encoder("clip_vit_b16", seed=3))
    one, other = (build_encoder("clip_vit_b16", seed=s).state_dict() for s in (3, 4))
    alike = {
        name.rpartition(".")[0].rpartition(".")[2] for name in one if torch.equal(one[name], other[name])
    }
    # biases of attention and normalisations start at constants, everything else is drawn
    assert alike == {"ln_pre", "ln_1", "attn", "out_proj", "ln_2", "ln_post", "norm"}


@pytest.mark.usefixtures("tiny_clip")
@pytest.mark.parametrize("pooling", ["gem", "mean"])
def test_what_is_pooled_already_is_not_pooled(pooling: str):
    with pytest.raises(
        ConfigError, match=rf"encoder\.pooling = {pooling}: clip_vit_b16 gives one vector a frame"
    ):
        build_encoder("clip_vit_b16", pooling=pooling, seed=0)


def test_unknown_name_names_the_nearest():
    with pytest.raises(
        ConfigError, match=r"encoder\.name = 'resnet5': did you mean 'resnet50'\? There are: small"
    ):
        build_encoder("resnet5", seed=0)
