"""ResNets against what is published of them: names, shapes, counts."""

from __future__ import annotations

import pytest
from torch import nn

from raydist.encoders.non_local import NonLocal
from raydist.encoders.resnet import AGW_RESNET50, AGW_RESNET50_NON_LOCAL, RESNET18, RESNET34, RESNET50


def num_parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("backbone", "millions"),
    [(RESNET18, 11.177), (RESNET34, 21.285), (RESNET50, 23.508), (AGW_RESNET50, 23.508)],
)
def test_parameter_counts_are_the_published_ones(backbone, millions: float):
    assert num_parameters(backbone.build()) / 1e6 == pytest.approx(millions, abs=0.0006)


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
    ],
)
def test_names_and_shapes_are_those_of_torchvision(backbone, shapes: dict[str, tuple[int, ...]]):
    state = backbone.build().state_dict()
    assert {name: tuple(state[name].shape) for name in shapes} == shapes
    assert not any(name.startswith(("fc", "classifier")) for name in state)


def test_number_of_tensors_is_the_published_one():
    assert len(RESNET50.build().state_dict()) == 318  # 320 with the classifier


@pytest.mark.parametrize(("width", "parameters"), [("off", 0), ("one", 28_687), ("half", 7_358_464)])
def test_non_local_blocks_follow_the_last_blocks_of_two_stages(width, parameters):
    layers = AGW_RESNET50.build_non_local(width)
    blocks = {name: module for name, module in layers.named_modules() if isinstance(module, NonLocal)}
    assert sum(map(num_parameters, blocks.values())) == parameters
    assert num_parameters(layers) == num_parameters(AGW_RESNET50.build()) + parameters
    assert list(blocks) == (
        []
        if width == "off"
        else [f"layer2.{b}.context" for b in (2, 3)] + [f"layer3.{b}.context" for b in (3, 4, 5)]
    )


def test_the_older_name_has_the_wide_blocks():
    shapes = [
        {name: value.shape for name, value in layers.state_dict().items()}
        for layers in (AGW_RESNET50_NON_LOCAL.build(), AGW_RESNET50.build_non_local("half"))
    ]
    assert shapes[0] == shapes[1]
