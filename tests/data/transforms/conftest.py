"""The oracle of what is done to normalised frames: one picture in numpy, step by step."""

import numpy as np
import pytest

from raydist.data.transforms.after_normalising import NormalisedChange
from raydist.randomness import stream
from raydist.types import PixelStatistics


@pytest.fixture
def normalised():
    """`normalised(pixels, statistics)`: [..., 3, H, W] as the layers of an encoder see them."""
    return _normalised


@pytest.fixture
def slow_change():
    """`slow_change(picture, change, statistics)`: normalise, erase, channels."""
    return _slow_change


def _normalised(pixels, statistics):
    mean, deviation = (np.array(values)[:, None, None] for values in statistics)
    return (np.asarray(pixels, np.float64) - mean) / deviation


def _slow_change(pixels: np.ndarray, change: NormalisedChange, statistics: PixelStatistics) -> np.ndarray:
    """One picture [3, H, W] in [0, 1]: normalise -> erase -> channel; what the encoder then sees."""
    picture = _normalised(pixels, statistics)
    _, height, width = picture.shape
    if change.box is not None:
        for area, aspect in change.box.tries:
            tall = round((area * height * width * aspect) ** 0.5)
            wide = round((area * height * width / aspect) ** 0.5)
            if tall < height and wide < width:
                top = int(change.box.down * (height - tall + 1))
                left = int(change.box.right * (width - wide + 1))
                for channel in range(3):
                    for y in range(tall):
                        for x in range(wide):
                            picture[channel, top + y, left + x] = (0.4914, 0.4822, 0.4465)[channel]
                if change.box.noise is not None:
                    noise = stream(change.box.noise, "noise").standard_normal((3, tall, wide), np.float32)
                    picture[:, top : top + tall, left : left + wide] = noise
                break
    if change.grey is not None:
        before = picture.copy()
        for channel in range(3):
            picture[channel] = sum(change.grey[k] * before[k] for k in range(3))
    return picture
