"""Resizing as matrices against OpenCV and Pillow, which see all pixels."""

import numpy as np
import pytest
import torch

from raydist.data.frames.resizing import RESIZES, resized
from raydist.export.resizing import Resize

SIZES = [(97, 51), (300, 130), (61, 33), (64, 200), (256, 128), (20, 200), (128, 64), (128, 51), (40, 64)]


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_it_is_within_a_grey_level(resize, height, width):
    picture = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = resized(picture, height=128, width=64, resize=resize)
    module = Resize(height=128, width=64, resize=resize)
    actual = module(torch.from_numpy(picture).permute(2, 0, 1)[None].float())[0].permute(1, 2, 0).numpy()
    assert np.array_equal(actual, np.round(actual))
    assert np.abs(actual - expected).max() <= 1
    assert np.abs(actual - expected).mean() < 0.2


@pytest.mark.parametrize("resize", RESIZES)
def test_a_picture_of_the_size_stays_as_it_is(resize):
    picture = torch.randint(0, 256, (2, 3, 16, 8)).float()
    assert torch.equal(Resize(height=16, width=8, resize=resize)(picture), picture)
