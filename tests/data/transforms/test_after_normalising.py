"""Erasing and channel operations on normalised frames, against a picture changed step by step in numpy."""

import numpy as np
import pytest
import torch

from raydist.data.transforms.after_normalising import (
    ERASED,
    DrawnBox,
    NormalisedChange,
    change_normalised,
)
from raydist.types import IMAGENET, PixelStatistics

CLIP = PixelStatistics((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
BOX = DrawnBox(((0.2, 1.5),), down=0.4, right=0.7)
GREEN, LUMA = (0.0, 1.0, 0.0), (0.2989, 0.5870, 0.1140)


def clips(num_clips=4, *, num_frames=2, height=24, width=12, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (num_clips, num_frames, 3, height, width))).float() / 255


CHANGES = [
    NormalisedChange(),
    NormalisedChange(BOX),
    NormalisedChange(BOX._replace(noise=5)),
    NormalisedChange(grey=GREEN),
    NormalisedChange(grey=LUMA),
    NormalisedChange(BOX, GREEN),
    NormalisedChange(BOX._replace(noise=6), LUMA),
    NormalisedChange(DrawnBox(((0.9, 1.0), (0.5, 3.0), (0.05, 0.3)), 0.0, 0.999)),
    NormalisedChange(DrawnBox(((0.9, 1.0), (0.9, 2.0)), 0.5, 0.5)),  # nothing fits
    None,
]


@pytest.mark.parametrize("statistics", [IMAGENET, CLIP])
def test_the_encoder_sees_what_the_slow_oracle_gives(statistics, normalised, slow_change):
    pixels = clips(len(CHANGES))
    changed = change_normalised(pixels, CHANGES, statistics)
    for clip, seen, change in zip(pixels, normalised(changed, statistics), CHANGES, strict=True):
        for frame, picture in zip(clip, seen, strict=True):
            expected = slow_change(frame.numpy(), change or NormalisedChange(), statistics)
            np.testing.assert_allclose(picture, expected, atol=2e-6)
    assert changed.dtype == torch.float32


def test_what_is_not_asked_for_is_left_as_it_is_bit_for_bit():
    pixels = clips(3)
    before = pixels.clone()
    out = change_normalised(pixels, [None, NormalisedChange(BOX), NormalisedChange()], IMAGENET)
    assert torch.equal(out[::2], before[::2])
    assert not torch.equal(out[1], before[1])
    assert torch.equal(pixels, before)
    assert change_normalised(pixels, [None] * 3, IMAGENET) is pixels


def test_a_clip_does_not_depend_on_its_batch():
    pixels = clips(len(CHANGES))
    together = change_normalised(pixels, CHANGES, IMAGENET)
    for b, change in enumerate(CHANGES):
        assert torch.equal(change_normalised(pixels[b : b + 1], [change], IMAGENET)[0], together[b])


def test_the_published_constants_are_a_light_grey_of_pixels():
    out = change_normalised(clips(1), [NormalisedChange(DrawnBox(((0.5, 1.9),), 0.0, 0.0))], IMAGENET)
    assert out[0, 0, :, 0, 0].tolist() == pytest.approx([0.598, 0.564, 0.507], abs=6e-4)


def test_the_box_is_mixed_like_the_rest(normalised):
    out = change_normalised(clips(1), [NormalisedChange(BOX, (0.0, 0.0, 1.0))], IMAGENET)
    seen = normalised(out[0, 0], IMAGENET)
    assert np.ptp(seen, axis=0).max() < 1e-6
    top, left, _, _ = BOX.pixels(24, 12)
    assert seen[:, top, left] == pytest.approx(ERASED[2], abs=1e-6)


def test_noise_is_standard_normal_and_the_same_in_all_frames(normalised):
    box = DrawnBox(((0.96, 2.0),), 0.0, 0.0, noise=3)
    out = change_normalised(clips(1, height=200, width=100), [NormalisedChange(box)], IMAGENET)
    top, left, tall, wide = box.pixels(200, 100)
    seen = normalised(out[0], IMAGENET)[:, :, top : top + tall, left : left + wide]
    assert np.abs(seen[0] - seen[1]).max() < 1e-6
    assert seen.mean(axis=(0, 2, 3)) == pytest.approx([0, 0, 0], abs=0.03)
    assert seen.std(axis=(0, 2, 3)) == pytest.approx([1, 1, 1], abs=0.03)
    assert np.abs(np.corrcoef(seen[0].reshape(3, -1)) - np.eye(3)).max() < 0.03
    assert out.min() < 0  # noise is not cut to what pixels can be
    again = NormalisedChange(box._replace(noise=4))
    other = change_normalised(clips(1, height=200, width=100), [again], IMAGENET)
    assert (other != out).float().mean() > 0.9


@pytest.mark.parametrize("grey", [(1.0, 0.0, 0.0), GREEN, (0.0, 0.0, 1.0), LUMA])
def test_grey_files_change_by_the_statistics_of_the_channels_alone(grey):
    """A picture of three equal channels stays the same picture, up to an affine map of each channel."""
    pixels = clips(1)[:, :, :1].expand(-1, -1, 3, -1, -1)
    even = PixelStatistics((0.45,) * 3, (0.225,) * 3)
    nearly = change_normalised(pixels, [NormalisedChange(grey=grey)], even)
    assert (nearly - pixels).abs().max() <= 1e-4 * 2.5  # the weights of luma sum to 0.9999
    shifted = change_normalised(pixels, [NormalisedChange(grey=grey)], IMAGENET)
    assert (shifted - pixels).abs().max() < 0.095
    level, seen = pixels[0, 0, 0].flatten().numpy(), shifted[0, 0].flatten(1).numpy()
    for channel in seen:
        assert np.corrcoef(level, channel)[0, 1] > 1 - 1e-6


@pytest.mark.parametrize(("height", "width"), [(288, 144), (64, 32), (9, 8)])
def test_a_box_is_inside_and_smaller_both_ways(height, width):
    rng = np.random.default_rng(0)
    for _ in range(500):
        tries = tuple(zip(rng.uniform(0.02, 0.6, 5).tolist(), rng.uniform(0.3, 3.3, 5).tolist(), strict=True))
        place = DrawnBox(tries, *rng.random(2)).pixels(height, width)
        if place is not None:
            top, left, tall, wide = place
            assert 0 <= top <= top + tall <= height > tall
            assert 0 <= left <= left + wide <= width > wide
