"""MobileNetV2 against what is published of it: names, shapes, counts."""

from __future__ import annotations

import pytest

from raydist.encoders.mobilenet import MOBILENET_V2

SHAPES = {
    "0.0.weight": (32, 3, 3, 3),
    "1.conv.0.0.weight": (32, 1, 3, 3),
    "1.conv.1.weight": (16, 32, 1, 1),
    "2.conv.0.0.weight": (96, 16, 1, 1),
    "2.conv.3.running_mean": (24,),
    "18.1.weight": (1280,),
}


def test_parameter_count_is_the_published_one():
    assert sum(p.numel() for p in MOBILENET_V2.build().parameters()) / 1e6 == pytest.approx(2.224, abs=0.0006)


def test_names_and_shapes_are_those_of_torchvision():
    state = MOBILENET_V2.build().state_dict()
    assert {name: tuple(state[name].shape) for name in SHAPES} == SHAPES
    assert not any(name.startswith(("fc", "classifier")) for name in state)


def test_number_of_tensors_is_the_published_one():
    assert len(MOBILENET_V2.build().state_dict()) == 312
