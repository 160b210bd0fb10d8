"""One stem or two before a shared trunk."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from raydist.encoders.backbone import Backbone, Streams, initialise
from raydist.encoders.mobilenet import MOBILENET_V2
from raydist.encoders.resnet import AGW_RESNET50, AGW_RESNET50_NON_LOCAL, RESNET18, RESNET34, RESNET50
from raydist.encoders.small import SMALL

BACKBONES = [SMALL, RESNET18, RESNET34, RESNET50, AGW_RESNET50, AGW_RESNET50_NON_LOCAL, MOBILENET_V2]


class Times(nn.Module):
    """Multiplies by a number, and refuses an empty batch."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert len(x)
        return x * self.factor


def tiny() -> Backbone:
    return Backbone(lambda: nn.Sequential(Times(2.0), Times(5.0), Times(2.0)), stem=1, early=2, channels=1)


def streams(*, two_stream: bool) -> Streams:
    built = Streams(tiny(), tiny().build(), two_stream=two_stream)
    if two_stream:
        nn.init.constant_(built.stems[1][0].factor, 3.0)
    return built


def test_each_frame_goes_through_its_own_stem_and_keeps_its_place():
    frames = torch.arange(1.0, 6.0).view(5, 1, 1, 1)
    modality = torch.tensor([1, 0, 0, 1, 0])
    out = streams(two_stream=True)(frames, modality).flatten()
    assert out.tolist() == [30.0, 40.0, 60.0, 120.0, 100.0]


def test_a_batch_of_one_modality_passes_the_other_stem_over():
    frames = torch.ones(2, 1, 1, 1)
    assert streams(two_stream=True)(frames, torch.zeros(2)).flatten().tolist() == [20.0, 20.0]
    assert streams(two_stream=True)(frames, torch.ones(2)).flatten().tolist() == [30.0, 30.0]


def test_one_stream_does_not_look_at_the_modality():
    assert streams(two_stream=False)(torch.ones(2, 1, 1, 1), torch.tensor([0, 1])).flatten().tolist() == [
        20.0,
        20.0,
    ]


def test_second_stem_is_a_copy_of_the_first():
    built = Streams(tiny(), tiny().build(), two_stream=True)
    first, second = (stem[0].factor for stem in built.stems)
    assert first is not second
    assert first == second
    assert len(list(built.trunk.parameters())) == 2


@pytest.mark.parametrize("default", [True, False])
def test_number_of_stems_is_the_architectures_own_unless_asked_for(default: bool):
    backbone = replace(tiny(), two_stream=default)
    built = [Streams(backbone, backbone.build(), two_stream=t) for t in (None, True, False)]
    assert [len(streams.stems) for streams in built] == [1 + default, 2, 1]


def test_styles_are_exchanged_between_the_early_layers_and_the_rest():
    frames = torch.tensor([0.0, 2.0, 5.0, 5.0]).view(2, 1, 2, 1)
    built = streams(two_stream=False)
    built.trunk[1].factor.data = torch.tensor(-1.0)
    plain = built(frames, torch.zeros(2))
    styled = built(frames, torch.zeros(2), torch.tensor([1, 1]))
    assert plain.flatten().tolist() == [0.0, -20.0, -50.0, -50.0]
    # the donor is constant over its clip: all that is left of the first clip is the donor's mean
    assert torch.allclose(styled.flatten(), torch.full((4,), -50.0), atol=0.01)


def test_convolutions_start_with_the_variance_of_he():
    torch.manual_seed(0)
    conv = nn.Conv2d(64, 128, 3)
    initialise(nn.Sequential(conv))
    assert conv.weight.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_maps_are_as_declared_and_not_negative(backbone: Backbone):
    with torch.no_grad():
        layers = backbone.build().eval()
        maps, early = (x(torch.randn(1, 3, 64, 32)) for x in (layers, layers[: backbone.early]))
    size = {SMALL: (8, 4), AGW_RESNET50: (4, 2), AGW_RESNET50_NON_LOCAL: (4, 2)}.get(backbone, (2, 1))
    assert maps.shape == (1, backbone.channels, *size)
    assert maps.min() >= 0
    assert early.shape[2:] == (16, 8)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_stem_is_the_first_convolution_with_its_normalisation(backbone: Backbone):
    kinds = [
        type(m)
        for m in backbone.build()[: backbone.stem].modules()
        if isinstance(m, nn.Conv2d | nn.BatchNorm2d)
    ]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d]


@pytest.mark.parametrize("backbone", [SMALL, RESNET18, RESNET50, AGW_RESNET50_NON_LOCAL])
def test_styles_are_exchanged_after_the_first_stage(backbone: Backbone):
    names = [name for name, _ in backbone.build().named_children()]
    assert names[backbone.early - 1 : backbone.early + 1] == ["layer1", "layer2"]
