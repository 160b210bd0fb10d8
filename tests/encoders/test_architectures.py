"""The architectures against what is published of them: names, shapes, counts, map sizes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from raydist.encoders.backbone import Backbone
from raydist.encoders.mobilenet import MOBILENET_V2
from raydist.encoders.non_local import NonLocal
from raydist.encoders.resnet import AGW_RESNET50, AGW_RESNET50_NON_LOCAL, RESNET18, RESNET34, RESNET50
from raydist.encoders.small import SMALL

BACKBONES = [SMALL, RESNET18, RESNET34, RESNET50, AGW_RESNET50, AGW_RESNET50_NON_LOCAL, MOBILENET_V2]


def num_parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("backbone", "millions"),
    [
        (RESNET18, 11.177),
        (RESNET34, 21.285),
        (RESNET50, 23.508),
        (AGW_RESNET50, 23.508),
        (MOBILENET_V2, 2.224),
    ],
)
def test_parameter_counts_are_the_published_ones(backbone, millions: float):
    assert num_parameters(backbone.build()) / 1e6 == pytest.approx(millions, abs=0.0006)


def test_small_is_small():
    assert 0.3e6 < num_parameters(SMALL.build()) < 1.2e6


@pytest.mark.parametrize(
    ("backbone", "shapes"),
    [
        (
            RESNET18,
            {
                "conv1.weight": (64, 3, 7, 7),
                "bn1.running_var": (64,),
                "layer1.0.bn2.running_mean": (64,),
                "layer2.0.downsample.0.weight": (128, 64, 1, 1),
                "layer4.1.conv2.weight": (512, 512, 3, 3),
            },
        ),
        (
            RESNET50,
            {
                "conv1.weight": (64, 3, 7, 7),
                "layer1.0.downsample.1.bias": (256,),
                "layer3.5.conv3.weight": (1024, 256, 1, 1),
                "layer4.0.conv2.weight": (512, 512, 3, 3),
                "layer4.2.bn3.num_batches_tracked": (),
            },
        ),
        (
            MOBILENET_V2,
            {
                "0.0.weight": (32, 3, 3, 3),
                "1.conv.0.0.weight": (32, 1, 3, 3),
                "1.conv.1.weight": (16, 32, 1, 1),
                "2.conv.0.0.weight": (96, 16, 1, 1),
                "2.conv.3.running_mean": (24,),
                "18.1.weight": (1280,),
            },
        ),
    ],
)
def test_names_and_shapes_are_those_of_torchvision(backbone, shapes: dict[str, tuple[int, ...]]):
    state = backbone.build().state_dict()
    assert {name: tuple(state[name].shape) for name in shapes} == shapes
    assert not any(name.startswith(("fc", "classifier")) for name in state)


def test_number_of_tensors_is_the_published_one():
    assert len(RESNET50.build().state_dict()) == 318  # 320 with the classifier
    assert len(MOBILENET_V2.build().state_dict()) == 312


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


def test_non_local_blocks_start_as_the_identity_and_can_learn():
    block = NonLocal(8)
    x = torch.randn(2, 8, 4, 2)
    out = block(x)
    assert torch.equal(out, x)
    out.square().sum().backward()
    assert block.bn.weight.grad.abs().min() > 0


def test_non_local_block_equals_the_formula():
    block = NonLocal(6).eval()
    nn.init.ones_(block.bn.weight)
    x = torch.randn(1, 6, 3, 2)
    theta, phi, g = (layer(x)[0].flatten(1) for layer in (block.theta, block.phi, block.g))
    expected = torch.zeros(3, 6)
    for i in range(6):
        for j in range(6):
            expected[:, i] += (theta[:, i] @ phi[:, j]) * g[:, j] / 6
    assert torch.allclose(block(x), x + block.bn(block.w(expected.view(1, 3, 3, 2))), atol=1e-5)


def test_non_local_blocks_follow_the_last_blocks_of_two_stages():
    names = [
        name
        for name, module in AGW_RESNET50_NON_LOCAL.build().named_modules()
        if isinstance(module, NonLocal)
    ]
    assert names == [f"layer2.{b}.context" for b in (2, 3)] + [f"layer3.{b}.context" for b in (3, 4, 5)]
