"""Backbones that are asked for otherwise than they are published."""

import pytest
import torch

from raydist.encoders.build import build_encoder
from raydist.encoders.non_local import NonLocal
from raydist.encoders.registry import ENCODERS
from raydist.encoders.variant import chosen_backbone
from raydist.engine.schema import load_config
from raydist.errors import ConfigError


def widths(encoder):
    """(channels, inner width) of the non-local blocks."""
    blocks = [module for module in encoder.modules() if isinstance(module, NonLocal)]
    return [block.theta.weight.shape[:2][::-1] for block in blocks]


@pytest.mark.parametrize(
    ("name", "non_local", "share"),
    [
        ("agw_resnet50", None, 0),
        ("agw_resnet50", "off", 0),
        ("agw_resnet50", "half", 1 / 2),
        ("agw_resnet50_non_local", None, 1 / 2),
        ("agw_resnet50_non_local", "off", 0),
    ],
)
def test_blocks_are_as_the_name_has_them_unless_it_is_said(name, non_local, share):
    found = widths(build_encoder(name, non_local=non_local, seed=0))
    assert found == ([(c, c * share) for c in (512, 512, 1024, 1024, 1024)] if share else [])


@pytest.mark.parametrize("name", ["agw_resnet50", "agw_resnet50_non_local"])
def test_blocks_of_inner_width_one_start_small_and_as_nothing(name):
    encoder = build_encoder(name, non_local="one", seed=0).eval()
    assert widths(encoder) == [(c, 1) for c in (512, 512, 1024, 1024, 1024)]
    plain = build_encoder("agw_resnet50", seed=0).eval()
    state = encoder.state_dict()
    plain.load_state_dict({key: state[key] for key in plain.state_dict()})
    frames, modality = torch.rand(2, 1, 3, 32, 16), torch.tensor([0, 1])
    with torch.no_grad():
        assert torch.equal(encoder(frames, modality).tracklet, plain(frames, modality).tracklet)
    for block in (module for module in encoder.modules() if isinstance(module, NonLocal)):
        channels = block.theta.weight.shape[1]
        assert float(block.theta.weight.detach().abs().max()) <= channels**-0.5


@pytest.mark.parametrize("name", [name for name in ENCODERS if not name.startswith("agw")])
def test_an_encoder_without_places_refuses_blocks_in_one_sentence(name):
    assert chosen_backbone(name, non_local="off") is ENCODERS.load(name)
    with pytest.raises(ConfigError, match=rf"encoder\.non_local = one: {name} has no places .* agw_resnet50"):
        load_config("smoke", [f"encoder.name={name}", "encoder.non_local=one"])


def test_a_width_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match=r"encoder\.non_local"):
        load_config("smoke", ["encoder.name=agw_resnet50", "encoder.non_local=2"])
    assert (
        load_config("smoke", ["encoder.name=agw_resnet50", "encoder.non_local=off"]).encoder.non_local
        == "off"
    )
