"""Colour jitter against torchvision's figures, against Pillow, and against one pixel after the other."""

import colorsys
from collections import Counter

import numpy as np
import pytest
import torch

from raydist.data.transforms.colour_jitter import (
    BRIGHTNESS,
    CONTRAST,
    HUE,
    SATURATION,
    Jitter,
    draw_jitter,
    jitter_colours,
)

PICTURE = [
    [[200, 10, 0], [255, 90, 30]],
    [[50, 120, 0], [255, 91, 200]],
    [[50, 240, 0], [255, 89, 7]],
]


def random_clips(*, num_clips, num_frames=2, height=24, width=12, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (num_clips, num_frames, 3, height, width), dtype=np.uint8))


def draws(count, *, seed=1, strength=0.5):
    rng = np.random.default_rng(seed)
    return [draw_jitter(strength, rng) for _ in range(count)]


def grey(pixel):
    red, green, blue = (int(level) for level in pixel)
    return (19595 * red + 38470 * green + 7471 * blue + 32768) // 65536


def turned(pixel, hue):
    h, s, v = colorsys.rgb_to_hsv(*(float(level) for level in pixel))
    levels_of_hue = (int(h * 255) + int(hue * 255)) % 256
    return np.round(colorsys.hsv_to_rgb(levels_of_hue / 255, int(s * 255) / 255, v))


def slow(frame, jitter):
    """One frame [3, H, W], one change after the other, pixel by pixel."""
    pixels = frame.reshape(3, -1).T.astype(np.float64)
    for change in jitter.order:
        mean = int(np.mean([grey(pixel) for pixel in pixels]) + 0.5)
        for i, pixel in enumerate(pixels):
            if change == HUE:
                pixels[i] = turned(pixel, jitter.hue)
            else:
                base = {BRIGHTNESS: 0, CONTRAST: mean, SATURATION: grey(pixel)}[change]
                pixels[i] = np.floor(np.clip(base + jitter[change] * (pixel - base), 0, 255))
    return pixels.T.reshape(frame.shape)


@pytest.mark.parametrize(
    ("jitter", "expected"),
    [
        (
            Jitter(brightness=1.4),
            [[[255, 14, 0], [255, 126, 44]], [[70, 173, 0], [255, 127, 255]], [[70, 255, 0], [255, 124, 9]]],
        ),
        (
            Jitter(contrast=0.6),
            [[[164, 50, 44], [197, 98, 65]], [[75, 118, 44], [197, 99, 164]], [[75, 188, 44], [197, 97, 48]]],
        ),
        (
            Jitter(saturation=1.5),
            [[[252, 0, 0], [255, 90, 0]], [[28, 132, 0], [255, 91, 236]], [[28, 255, 0], [255, 88, 0]]],
        ),
        (
            Jitter(hue=-0.3),
            [[[85, 75, 0], [255, 91, 200]], [[50, 240, 0], [255, 89, 21]], [[200, 10, 0], [255, 90, 7]]],
        ),
        (
            Jitter(hue=0.45),
            [[[50, 240, 0], [255, 90, 111]], [[200, 48, 0], [255, 89, 7]], [[152, 10, 0], [255, 91, 200]]],
        ),
        (
            Jitter(0.7, 1.3, 0.5, 0.2, order=(SATURATION, BRIGHTNESS, HUE, CONTRAST)),
            [[[95, 99, 0], [207, 56, 35]], [[108, 25, 0], [207, 57, 116]], [[40, 130, 0], [207, 56, 123]]],
        ),
        (
            Jitter(1.2, 0.8, 1.4, -0.45, order=(CONTRAST, HUE, BRIGHTNESS, SATURATION)),
            [
                [[45, 255, 26], [255, 114, 255]],
                [[178, 222, 26], [255, 110, 2]],
                [[246, 0, 26], [255, 114, 211]],
            ],
        ),
    ],
)
def test_figures_of_torchvision(jitter, expected):
    picture = torch.tensor(PICTURE, dtype=torch.uint8)[None, None]
    assert jitter_colours(picture, [jitter])[0, 0].tolist() == expected


def test_equals_pillow():
    image, enhance = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageEnhance")
    enhancers = {BRIGHTNESS: enhance.Brightness, CONTRAST: enhance.Contrast, SATURATION: enhance.Color}

    def by_pillow(frame, jitter):
        picture = image.fromarray(frame.transpose(1, 2, 0))
        for change in jitter.order:
            if change == HUE:
                hue, saturation, value = picture.convert("HSV").split()
                hue = image.fromarray((np.array(hue).astype(int) + int(jitter.hue * 255)).astype(np.uint8))
                picture = image.merge("HSV", (hue, saturation, value)).convert("RGB")
            else:
                picture = enhancers[change](picture).enhance(jitter[change])
        return np.array(picture).transpose(2, 0, 1)

    clips, jitters = random_clips(num_clips=40, height=48, width=24), draws(40)
    expected = [
        [by_pillow(frame, jitter) for frame in clip]
        for clip, jitter in zip(clips.numpy(), jitters, strict=True)
    ]
    # a compiler may fuse a product and a sum of Pillow's, and a level falls on the other side of a whole
    # number
    assert np.mean(jitter_colours(clips, jitters).numpy() != np.array(expected)) < 1e-3


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_equals_the_slow_oracle(strength):
    clips, jitters = random_clips(num_clips=12), draws(12, strength=strength)
    expected = np.array(
        [[slow(frame, jitter) for frame in clip] for clip, jitter in zip(clips.numpy(), jitters, strict=True)]
    )
    # in exact arithmetic a level of hue or a mean may be the next one
    difference = np.abs(jitter_colours(clips, jitters).numpy() - expected)
    assert np.mean(difference > 0) < 0.02
    assert difference.max() <= 24


def test_neutral_factors_change_nothing_but_the_bits_of_the_hue():
    clips = random_clips(num_clips=3)
    neutral = jitter_colours(clips, [Jitter()] * 3)
    assert (neutral - clips).abs().max() <= 6
    grey_clips = clips[:, :, :1].expand(-1, -1, 3, -1, -1)
    assert torch.equal(jitter_colours(grey_clips, [Jitter()] * 3), grey_clips.float())


def test_grey_pictures_stay_grey():
    clips = random_clips(num_clips=8)[:, :, :1].expand(-1, -1, 3, -1, -1)
    out = jitter_colours(clips, draws(8))
    assert torch.equal(out, out[:, :, :1].expand_as(out))


def test_each_frame_is_changed_as_if_alone():
    clips, jitters = random_clips(num_clips=4, num_frames=3), draws(4)
    out = jitter_colours(clips, jitters)
    for t in range(3):
        assert torch.equal(jitter_colours(clips[:, t : t + 1], jitters)[:, 0], out[:, t])


def test_result_of_a_clip_does_not_depend_on_the_batch():
    clips, jitters = random_clips(num_clips=9), draws(9)
    together = jitter_colours(clips, jitters)
    for b, jitter in enumerate(jitters):
        assert torch.equal(jitter_colours(clips[b : b + 1], [jitter])[0], together[b])


def test_input_is_left_alone():
    clips = random_clips(num_clips=3)
    before = clips.clone()
    jitter_colours(clips, draws(3))
    assert torch.equal(clips, before)


def test_draws_fill_their_ranges_evenly():
    jitters = draws(3000)
    for name, low, high in (
        ("brightness", 0.5, 1.5),
        ("contrast", 0.5, 1.5),
        ("saturation", 0.5, 1.5),
        ("hue", -0.5, 0.5),
    ):
        drawn = np.array([getattr(jitter, name) for jitter in jitters])
        assert low <= drawn.min() < low + 0.01
        assert high - 0.01 < drawn.max() <= high
        assert np.histogram(drawn, 4, (low, high))[0] == pytest.approx([750] * 4, abs=120)


def test_every_order_is_as_likely():
    orders = Counter(jitter.order for jitter in draws(4800))
    assert len(orders) == 24
    assert max(abs(count - 200) for count in orders.values()) < 70
