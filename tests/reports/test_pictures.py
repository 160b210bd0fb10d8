import base64

import numpy as np
import pytest

from raydist.data.frames.decoding import decode_image
from raydist.reports.pictures import MAX_HEIGHT, frame_strip, middles, picture


def pixels(shown, height, width):
    return decode_image(
        base64.b64decode(shown.uri.removeprefix("data:image/jpeg;base64,")), height=height, width=width
    )


@pytest.mark.parametrize(
    ("height", "width", "shown"),
    [
        (16, 8, (128, 64)),
        (64, 32, (128, 64)),
        (128, 64, (128, 64)),
        (160, 80, (160, 80)),
        (288, 144, (160, 80)),
    ],
)
def test_frames_are_shown_in_a_readable_size(height, width, shown):
    shown_picture = picture(np.zeros((height, width, 3), np.uint8))
    assert (shown_picture.height, shown_picture.width) == shown


def test_colours_survive():
    frame = np.zeros((32, 16, 3), np.uint8)
    frame[:] = (200, 60, 20)
    assert np.abs(pixels(picture(frame), 32, 16).astype(int) - frame).max() <= 4


def test_large_frames_are_shrunk_before_they_are_stored():
    large = np.random.default_rng(0).integers(0, 256, (576, 288, 3), dtype=np.uint8)
    assert len(picture(large).uri) < MAX_HEIGHT * (MAX_HEIGHT // 2) * 3 * 4 / 3


def test_a_strip_is_spread_over_the_tracklet(make_frames):
    frames = make_frames(7)
    shown = frame_strip(frames, 6, num_frames=3)
    assert frames.requests == [(6, 1, 3, 5)]
    assert (shown.height, shown.width) == (128, 3 * 64)
    levels = pixels(shown, 64, 96)[32, [16, 48, 80], 0].astype(int)
    assert np.abs(levels - [31, 33, 35]).max() <= 2


def test_a_short_tracklet_gives_what_it_has(make_frames):
    assert frame_strip(make_frames(7), 0, num_frames=3).width == 64


@pytest.mark.parametrize("total", range(1, 30))
@pytest.mark.parametrize("num_parts", [1, 3])
def test_spread_frames_exist_and_differ(total, num_parts):
    indices = middles(total, num_parts)
    assert len(indices) == min(total, num_parts)
    assert (np.diff(indices) > 0).all()
    assert indices[0] >= 0
    assert indices[-1] < total
