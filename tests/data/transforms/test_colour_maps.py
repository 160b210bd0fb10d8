"""Colour maps against OpenCV's known figures, and how they are drawn."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
import torch

from raydist.data.transforms.colour_maps import CHOICES, colour_tables, draw_colour_maps


def test_the_maps_are_those_of_the_published_code():
    assert CHOICES == ((5, 17), (14, 0), (21, 2))


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        ((5, 14, 21), [[0, 50, 100, 200, 255], [0, 10, 37, 157, 255], [0, 0, 0, 90, 255]]),
        ((17, 0, 2), [[78, 108, 112, 104, 56], [0, 50, 100, 200, 255], [0, 0, 18, 255, 128]]),
    ],
)
def test_channels_are_blue_of_the_first_map_green_of_the_second_and_red_of_the_third(maps, expected):
    tables = colour_tables([maps])
    assert tables.dtype == torch.float32
    assert tables[0, :, [0, 50, 100, 200, 255]].tolist() == expected


def test_each_clip_has_its_own_tables():
    drawn = list(product(*CHOICES))
    together = colour_tables(drawn)
    assert together.shape == (8, 3, 256)
    for b, maps in enumerate(drawn):
        assert torch.equal(colour_tables([maps])[0], together[b])
    assert len({tuple(table.ravel().tolist()) for table in together}) == 8


@pytest.mark.parametrize(("number", "name", "channel"), [(17, "cividis", 0), (14, "inferno", 1)])
def test_maps_that_matplotlib_has_too(number, name, channel):
    matplotlib = pytest.importorskip("matplotlib")
    blue_green_red = matplotlib.colormaps[name](np.arange(256))[:, [2, 1, 0]]
    table = colour_tables([(number,) * 3])[0, channel]
    assert np.array_equal(table, np.round(255 * blue_green_red[:, channel]))


def test_each_of_two_maps_is_drawn_as_often_for_each_channel():
    rng = np.random.default_rng(0)
    drawn = Counter(draw_colour_maps(rng) for _ in range(1600))
    assert set(drawn) == set(product(*CHOICES))
    assert max(abs(count - 200) for count in drawn.values()) < 60
