"""The architectures against what is published of them: names, shapes, counts, map sizes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from raydist.encoders.backbone import Backbone
from raydist.encoders.mobilenet import mobilenet_v2
from raydist.encoders.non_local import NonLocal
from raydist.encoders.resnet import agw_resnet50, agw_resnet50_non_local, resnet18, resnet34, resnet50
from raydist.encoders.small import small

FACTORIES = [small, resnet18, resnet34, resnet50, agw_resnet50, agw_resnet50_non_local, mobilenet_v2]


def num_parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("factory", "millions"),
    [
        (resnet18, 11.177),
        (resnet34, 21.285),
        (resnet50, 23.508),
        (agw_resnet50, 23.508),
        (mobilenet_v2, 2.224),
    ],
)
def test_parameter_counts_are_the_published_ones(factory, millions: float):
    assert num_parameters(factory().layers) / 1e6 == pytest.approx(millions, abs=0.0006)


def test_small_is_small():
    assert 0.3e6 < num_parameters(small().layers) < 1.2e6


@pytest.mark.parametrize(
    ("factory", "shapes"),
    [
        (
            resnet18,
            {
                "conv1.weight": (64, 3, 7, 7),
                "bn1.running_var": (64,),
                "layer1.0.bn2.running_mean": (64,),
                "layer2.0.downsample.0.weight": (128, 64, 1, 1),
                "layer4.1.conv2.weight": (512, 512, 3, 3),
            },
        ),
        (
            resnet50,
            {
                "conv1.weight": (64, 3, 7, 7),
                "layer1.0.downsample.1.bias": (256,),
                "layer3.5.conv3.weight": (1024, 256, 1, 1),
                "layer4.0.conv2.weight": (512, 512, 3, 3),
                "layer4.2.bn3.num_batches_tracked": (),
            },
        ),
        (
            mobilenet_v2,
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
def test_names_and_shapes_are_those_of_torchvision(factory, shapes: dict[str, tuple[int, ...]]):
    state = factory().layers.state_dict()
    assert {name: tuple(state[name].shape) for name in shapes} == shapes
    assert not any(name.startswith(("fc", "classifier")) for name in state)


def test_number_of_tensors_is_the_published_one():
    assert len(resnet50().layers.state_dict()) == 318  # 320 with the classifier
    assert len(mobilenet_v2().layers.state_dict()) == 312


@pytest.mark.parametrize("factory", FACTORIES)
def test_maps_are_as_declared_and_not_negative(factory):
    backbone: Backbone = factory()
    with torch.no_grad():
        layers = backbone.layers.eval()
        maps, early = (x(torch.randn(1, 3, 64, 32)) for x in (layers, layers[: backbone.early]))
    size = {small: (8, 4), agw_resnet50: (4, 2), agw_resnet50_non_local: (4, 2)}.get(factory, (2, 1))
    assert maps.shape == (1, backbone.channels, *size)
    assert maps.min() >= 0
    assert early.shape[2:] == (16, 8)


@pytest.mark.parametrize("factory", FACTORIES)
def test_stem_is_the_first_convolution_with_its_normalisation(factory):
    backbone: Backbone = factory()
    kinds = [
        type(m)
        for m in backbone.layers[: backbone.stem].modules()
        if isinstance(m, nn.Conv2d | nn.BatchNorm2d)
    ]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d]


@pytest.mark.parametrize("factory", [small, resnet18, resnet50, agw_resnet50_non_local])
def test_styles_are_exchanged_after_the_first_stage(factory):
    backbone: Backbone = factory()
    names = [name for name, _ in backbone.layers.named_children()]
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
        for name, module in agw_resnet50_non_local().layers.named_modules()
        if isinstance(module, NonLocal)
    ]
    assert names == [f"layer2.{b}.context" for b in (2, 3)] + [f"layer3.{b}.context" for b in (3, 4, 5)]
