"""Augmentation of clips: exactness where nothing is asked for, one draw a clip, and a slow oracle for the whole chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from raydist.data import transforms
from raydist.data.transforms import BASIC, Box, ClipAugment, ClipParams, Swap, apply, draw_params
from raydist.errors import DataError
from raydist.types import Modality

RECIPES = ["NONE", "BASIC", "TONES_VISIBLE", "TONES_INFRARED", "CHANNEL_EXCHANGE", "CHANNEL_ADAPTIVE_GREY"]


def clips(*, num_clips: int = 3, num_frames: int = 2, height: int = 16, width: int = 8, seed: int = 0) -> Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (num_clips, num_frames, 3, height, width), dtype=np.uint8))


def drawn(augment: ClipAugment, modality: Modality, *, count: int, seed: int = 0) -> list[ClipParams]:
    rng = np.random.default_rng(seed)
    return [draw_params(augment, modality, rng) for _ in range(count)]


def slow(frame: np.ndarray, params: ClipParams) -> np.ndarray:
    """One frame [3, H, W], pixel by pixel."""
    _, height, width = frame.shape
    down, right = round(params.down * height), round(params.right * height)
    out = np.zeros((3, height, width))
    box = transforms._pixels(params.box, height, width) if params.box else (0, 0, 0, 0)
    for y in range(height):
        for x in range(width):
            source_y, source_x = y - down, (width - 1 - x if params.flip else x) - right
            inside = 0 <= source_y < height and 0 <= source_x < width
            pixel = frame[:, source_y, source_x].astype(np.float64) if inside else np.zeros(3)
            if params.grey is not None:
                pixel[:] = np.rint(pixel @ np.float32(params.grey))
            pixel = np.clip(params.scale * (pixel / 255) ** params.gamma + params.offset, 0, 1)
            pixel = np.clip(pixel * params.gain, 0, 1)
            erased = box[0] <= y < box[0] + box[2] and box[1] <= x < box[1] + box[3]
            out[:, y, x] = transforms.ERASED if erased else pixel
    return out


def test_default_parameters_give_pixels_over_255_exactly():
    every_level = torch.arange(256, dtype=torch.uint8).repeat(3).view(1, 1, 3, 16, 16)
    assert torch.equal(apply(every_level, [ClipParams()]), every_level / 255)


def test_default_strengths_draw_default_parameters():
    assert set(drawn(transforms.NONE, Modality.VISIBLE, count=20)) == {ClipParams()}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("modality", list(Modality))
def test_equals_the_slow_oracle(recipe: str, modality: Modality):
    frames = clips(num_clips=8)
    params = drawn(replace(getattr(transforms, recipe), shift=0.3 * (recipe != "NONE")), modality, count=8)
    fast = apply(frames, params).numpy()
    expected = np.array([[slow(frame, p) for frame in clip] for clip, p in zip(frames.numpy(), params, strict=True)])
    assert fast.dtype == np.float32
    # a weighted sum may fall on either side of a half level in another order of summation
    assert np.abs(fast - expected).max() < 0.02
    assert np.mean(np.abs(fast - expected) > 1e-6) < 0.01


@pytest.mark.parametrize("recipe", RECIPES)
def test_values_stay_in_the_unit_interval(recipe: str):
    strong = replace(getattr(transforms, recipe), offset=0.8, gain_range=(0.0, 4.0))
    out = apply(clips(num_clips=32), drawn(strong, Modality.INFRARED, count=32))
    assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("recipe", RECIPES)
def test_result_of_a_clip_does_not_depend_on_the_batch(recipe: str):
    frames = clips(num_clips=12)
    params = drawn(getattr(transforms, recipe), Modality.VISIBLE, count=12)
    together = apply(frames, params)
    for b in (0, 5, 11):
        assert torch.equal(apply(frames[b : b + 1], params[b : b + 1])[0], together[b])
    order = np.random.default_rng(1).permutation(12)
    assert torch.equal(apply(frames[order], [params[b] for b in order]), together[order])


@pytest.mark.parametrize("recipe", RECIPES)
def test_equal_frames_of_a_clip_stay_equal(recipe: str):
    frames = clips(num_clips=10, num_frames=1).expand(-1, 4, -1, -1, -1)
    out = apply(frames, drawn(getattr(transforms, recipe), Modality.VISIBLE, count=10))
    assert torch.equal(out, out[:, :1].expand_as(out))


def test_input_is_left_alone():
    frames = clips()
    before = frames.clone()
    apply(frames, drawn(transforms.TONES_VISIBLE, Modality.VISIBLE, count=3))
    assert torch.equal(frames, before)


def test_flip_twice_is_the_identity():
    frames = clips()
    flip = [ClipParams(flip=True)] * 3
    once = apply(frames, flip)
    assert torch.equal(once, apply(frames.flip(-1), [ClipParams()] * 3))
    assert torch.equal(apply((once * 255).round().to(torch.uint8), flip), frames / 255)


def test_shift_moves_down_and_right_and_brings_in_black():
    out = apply(clips(num_clips=1), [ClipParams(down=2 / 16, right=-1 / 16)])
    assert torch.equal(out[..., 2:, :-1], clips(num_clips=1)[..., :-2, 1:] / 255)
    assert not out[..., :2, :].any()
    assert not out[..., -1].any()


def test_grey_weights_are_applied_to_all_channels():
    frames = clips(num_clips=2)
    out = apply(frames, [ClipParams(grey=(0.2, 0.5, 0.3)), ClipParams(grey=(0.0, 0.0, 1.0))])
    weighted = (frames[0] * torch.tensor([0.2, 0.5, 0.3]).view(3, 1, 1)).sum(1, keepdim=True) / 255
    assert (out[0] - weighted).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(out[1], (frames[1, :, 2:] / 255).expand_as(out[1]))


def test_box_covers_its_share_and_stays_inside():
    for box in (Box(0.25, 2.0, 0.0, 0.0), Box(0.25, 2.0, 0.999, 0.999)):
        top, left, tall, wide = transforms._pixels(box, 64, 32)
        assert (tall, wide) == (32, 16)
        assert 0 <= top <= 32
        assert 0 <= left <= 16
    assert transforms._pixels(Box(0.4, 1 / 0.3, 0.999, 0.999), 10, 40) == (0, 33, 10, 7)


@pytest.mark.parametrize(
    ("recipe", "greys"),
    [("BASIC", 0.0), ("CHANNEL_EXCHANGE", 1.0), ("CHANNEL_ADAPTIVE_GREY", 0.4375), ("TONES_VISIBLE", 0.9)],
)
def test_share_of_grey_clips(recipe: str, greys: float):
    params = drawn(getattr(transforms, recipe), Modality.VISIBLE, count=2000)
    assert np.mean([p.grey is not None for p in params]) == pytest.approx(greys, abs=0.04)
    assert all(sum(p.grey) == pytest.approx(1, abs=1e-3) for p in params if p.grey is not None)


def test_channel_exchange_copies_each_channel_as_often():
    chosen = [np.argmax(p.grey) for p in drawn(transforms.CHANNEL_EXCHANGE, Modality.VISIBLE, count=1500)]
    assert np.bincount(chosen, minlength=3) == pytest.approx([500, 500, 500], abs=80)


def test_tone_curves_need_a_grey_or_infrared_clip():
    coloured = ClipAugment(tone=1.0)
    assert set(drawn(coloured, Modality.VISIBLE, count=20)) == {ClipParams()}
    assert all(p.gamma != 1 for p in drawn(coloured, Modality.INFRARED, count=20))
    assert all(p.gamma != 1 for p in drawn(replace(coloured, weighted=1.0), Modality.VISIBLE, count=20))


def test_draws_stay_in_their_ranges():
    augment = replace(transforms.TONES_INFRARED, tone=1.0, gain=1.0, erase=1.0)
    for p in drawn(augment, Modality.INFRARED, count=300):
        assert max(abs(p.down), abs(p.right)) <= augment.shift
        assert 0.6 <= p.scale <= 1.4
        assert 0.5 <= p.gamma <= 2
        assert abs(p.offset) <= 0.1
        assert 0.5 <= min(p.gain) <= max(p.gain) <= 1.5
        assert p.box is not None
        assert 0.02 <= p.box.area <= 0.4


def test_equal_generators_draw_equal_parameters():
    first, again = (drawn(transforms.TONES_VISIBLE, Modality.VISIBLE, count=5, seed=7) for _ in range(2))
    assert first == again
    assert first != drawn(transforms.TONES_VISIBLE, Modality.VISIBLE, count=5, seed=8)


def test_empty_batch_gives_an_empty_batch():
    assert apply(clips(num_clips=0), []).shape == (0, 2, 3, 16, 8)


@pytest.mark.parametrize(
    ("frames", "num_params", "message"),
    [
        (clips().float(), 3, r"uint8 \[B, T, 3, H, W\]"),
        (clips()[:, :, :1], 3, r"shape \(3, 2, 1, 16, 8\)"),
        (clips()[0], 2, r"shape \(2, 3, 16, 8\)"),
        (clips(), 2, "2 sets of parameters for 3 clips"),
    ],
)
def test_unfit_input_is_refused(frames: Tensor, num_params: int, message: str):
    with pytest.raises(DataError, match=message):
        apply(frames, [ClipParams()] * num_params)


INTERVENED = {Modality.VISIBLE: transforms.INTERVENED_VISIBLE, Modality.INFRARED: transforms.INTERVENED_INFRARED}


def donor_frames(params: list[ClipParams], *, seed: int = 9) -> Tensor:
    """A random frame for each of the clips with a swap."""
    return clips(num_clips=sum(p.swap is not None for p in params), num_frames=1, seed=seed)[:, 0]


def slowly_swapped(levels: np.ndarray, donor: np.ndarray, swap: Swap) -> np.ndarray:
    """A clip [T, 3, H, W] of 8 bits, by whole transforms."""
    b = max(1, int(swap.size * min(levels.shape[-2:])))
    spectrum, other = np.fft.fft2(levels.astype(np.float64)), np.fft.fft2(donor.astype(np.float64))
    for k in range(-b, b + 1):
        for m in range(-b, b + 1):
            amplitude = (1 - swap.blend) * np.abs(spectrum[..., k, m]) + swap.blend * np.abs(other[..., k, m])
            spectrum[..., k, m] = amplitude * np.exp(1j * np.angle(spectrum[..., k, m]))
    return np.clip(np.rint(np.fft.ifft2(spectrum).real), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("modality", list(Modality))
def test_swap_comes_between_grey_and_tones(modality: Modality):
    frames = clips(num_clips=12)
    strong = replace(INTERVENED[modality], weighted=0.2, exchange=0.2, shift=0.2, swap=1.0, swap_size=(0.1, 0.3))
    params = drawn(strong, modality, count=12)
    assert any(p.swap is not None and p.gain != (1.0,) * 3 for p in params)
    donors = donor_frames(params)
    before = [p._replace(scale=1.0, gamma=1.0, offset=0.0, gain=(1.0,) * 3, box=None, swap=None) for p in params]
    levels = (apply(frames, before) * 255).round().to(torch.uint8).numpy()
    of_clip = iter(donors.numpy())
    swapped = [c if p.swap is None else slowly_swapped(c, next(of_clip), p.swap) for c, p in zip(levels, params, strict=True)]
    after = [p._replace(down=0.0, right=0.0, flip=False, grey=None, swap=None) for p in params]
    expected = apply(torch.from_numpy(np.stack(swapped)), after)
    # a value may fall on either side of a half level in another order of summation
    assert torch.isclose(apply(frames, params, donors), expected, atol=1e-6).float().mean() > 0.999


def test_swap_with_oneself_is_the_identity():
    frames = clips(num_clips=5, num_frames=1).expand(-1, 3, -1, -1, -1)
    params = [
        ClipParams(swap=Swap(size, blend)) for size, blend in ((0.01, 1.0), (0.05, 0.5), (0.2, 1.0), (0.3, 0.7), (0.4, 1.0))
    ]
    assert torch.equal(apply(frames, params, frames[:, 0]), frames / 255)


def test_swap_stays_in_the_unit_interval():
    params = [ClipParams(swap=Swap(0.3, 1.0))] * 2
    frames = torch.stack([torch.zeros(2, 3, 16, 8), torch.full((2, 3, 16, 8), 255)]).to(torch.uint8)
    out = apply(frames, params, clips(num_clips=2)[:, 0])
    assert 0 <= out.min() < out.max() <= 1


@pytest.mark.parametrize("modality", list(Modality))
def test_swap_of_a_clip_does_not_depend_on_the_batch(modality: Modality):
    frames = clips(num_clips=12)
    params = drawn(replace(INTERVENED[modality], swap_size=(0.01, 0.4)), modality, count=12)
    donors = donor_frames(params)
    number = np.cumsum([p.swap is not None for p in params])
    together = apply(frames, params, donors)
    for b, p in enumerate(params):
        own = None if p.swap is None else donors[number[b] - 1 : number[b]]
        assert torch.equal(apply(frames[b : b + 1], [p], own)[0], together[b])


def test_one_donor_serves_all_frames_of_a_clip():
    frames = clips(num_clips=10, num_frames=1).expand(-1, 4, -1, -1, -1)
    params = drawn(transforms.INTERVENED_INFRARED, Modality.INFRARED, count=10)
    out = apply(frames, params, donor_frames(params))
    assert torch.equal(out, out[:, :1].expand_as(out))


def test_visible_clips_get_one_of_three_renderings():
    params = drawn(transforms.INTERVENED_VISIBLE, Modality.VISIBLE, count=3000)
    copied = [p.grey is not None and max(p.grey) == 1.0 for p in params]
    weighted = [p.grey is not None and max(p.grey) < 1.0 for p in params]
    swapped = [p.swap is not None for p in params]
    assert (np.sum([copied, weighted, swapped], axis=0) == 1).all()
    assert np.mean([copied, weighted, swapped], axis=1) == pytest.approx([1 / 3] * 3, abs=0.04)


def test_infrared_clips_are_swapped_by_chance_whatever_else_happens():
    params = drawn(transforms.INTERVENED_INFRARED, Modality.INFRARED, count=2000)
    assert np.mean([p.swap is not None for p in params]) == pytest.approx(0.5, abs=0.04)
    assert np.mean([p.gamma != 1 or p.gain != (1.0,) * 3 for p in params]) == pytest.approx(0.875, abs=0.03)
    greyed = drawn(ClipAugment(weighted=1.0, swap=1.0), Modality.INFRARED, count=20)
    assert all(p.grey is not None and p.swap is not None for p in greyed)


def test_strengths_of_swaps_stay_in_their_ranges():
    swaps = [p.swap for p in drawn(ClipAugment(swap=1.0), Modality.VISIBLE, count=200)]
    assert all(0.01 <= swap.size <= 0.05 and 0.5 <= swap.blend <= 1 for swap in swaps)
    assert len(set(swaps)) == 200


def test_a_swap_changes_no_other_draw():
    without, swapping = (draw_params(a, Modality.VISIBLE, np.random.default_rng(4)) for a in (BASIC, replace(BASIC, swap=1.0)))
    assert swapping.swap is not None
    assert swapping._replace(swap=None) == without


@pytest.mark.parametrize(("num_swaps", "num_donors"), [(2, 1), (2, None), (0, 1)])
def test_each_swap_needs_a_donor(num_swaps: int, num_donors: int | None):
    params = [ClipParams(swap=Swap(0.05, 1.0))] * num_swaps + [ClipParams()] * (3 - num_swaps)
    donors = None if num_donors is None else clips(num_clips=num_donors)[:, 0]
    with pytest.raises(DataError, match=f"{num_donors or 0} donor frames for {num_swaps} clips"):
        apply(clips(), params, donors)
