"""Pixels of augmented clips: exactness where nothing is asked for, and a slow oracle for the whole chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from raydist.data.transforms import augment as transforms
from raydist.data.transforms import published, rendering
from raydist.data.transforms.augment import Box, ClipAugment, ClipParams, Swap, draw_params
from raydist.data.transforms.colour_jitter import Jitter, jitter_colours
from raydist.data.transforms.colour_maps import colour_tables
from raydist.data.transforms.rendering import apply
from raydist.errors import DataError
from raydist.types import Modality

RECIPES = ["NONE", "BASIC", "TONES_VISIBLE", "TONES_INFRARED"]
STRENGTHS = {
    name: value
    for module in (transforms, published)
    for name, value in vars(module).items()
    if isinstance(value, ClipAugment)
}


def clips(
    *, num_clips: int = 3, num_frames: int = 2, height: int = 16, width: int = 8, seed: int = 0
) -> Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (num_clips, num_frames, 3, height, width), dtype=np.uint8))


def drawn(augment: ClipAugment, modality: Modality, *, count: int, seed: int = 0) -> list[ClipParams]:
    rng = np.random.default_rng(seed)
    return [draw_params(augment, modality, rng) for _ in range(count)]


def slowly_moved(frame: np.ndarray, params: ClipParams) -> np.ndarray:
    _, height, width = frame.shape
    down, right = round(params.down * height), round(params.right * height)
    out = np.zeros_like(frame)
    for y in range(height):
        for x in range(width):
            source_y, source_x = y - down, (width - 1 - x if params.flip else x) - right
            if 0 <= source_y < height and 0 <= source_x < width:
                out[:, y, x] = frame[:, source_y, source_x]
    return out


def slow(frame: np.ndarray, params: ClipParams) -> np.ndarray:
    """One frame [3, 16, 8], pixel by pixel but for the jitter, which has an oracle of its own."""
    moved = slowly_moved(frame, params)
    if params.jitter is not None:
        moved = jitter_colours(torch.from_numpy(moved)[None, None], [params.jitter])[0, 0].numpy()
    out = np.zeros(frame.shape)
    box = rendering._pixels(params.box, *frame.shape[1:]) if params.box else (0, 0, 0, 0)
    for y, x in np.ndindex(*frame.shape[1:]):
        pixel = moved[:, y, x].astype(np.float64)
        if params.grey is not None:
            pixel[:] = np.rint(pixel @ np.float32(params.grey))
        if params.colour_maps is not None:
            luma = round(0.1140 * pixel[0] + 0.5870 * pixel[1] + 0.2989 * pixel[2])
            pixel = colour_tables([params.colour_maps])[0, :, luma].numpy()
        pixel = np.clip(params.scale * (pixel / 255) ** params.gamma + params.offset, 0, 1)
        pixel = np.clip(pixel * params.gain, 0, 1)
        erased = box[0] <= y < box[0] + box[2] and box[1] <= x < box[1] + box[3]
        out[:, y, x] = rendering.ERASED if erased else pixel
    return out


def test_default_parameters_give_pixels_over_255_exactly():
    every_level = torch.arange(256, dtype=torch.uint8).repeat(3).view(1, 1, 3, 16, 16)
    assert torch.equal(apply(every_level, [ClipParams()]), every_level / 255)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("modality", list(Modality))
def test_equals_the_slow_oracle(recipe: str, modality: Modality):
    frames = clips(num_clips=8)
    params = drawn(replace(getattr(transforms, recipe), shift=0.3 * (recipe != "NONE")), modality, count=8)
    fast = apply(frames, params).numpy()
    expected = np.array(
        [[slow(frame, p) for frame in clip] for clip, p in zip(frames.numpy(), params, strict=True)]
    )
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


@pytest.mark.parametrize("name", STRENGTHS)
@pytest.mark.parametrize("modality", list(Modality))
def test_the_host_waits_for_no_pixel(name: str, modality: Modality):
    """Nothing has a value on the meta device: what asks for one raises."""
    params = drawn(STRENGTHS[name], modality, count=24)
    donors = clips(num_clips=sum(p.swap is not None for p in params))[:, 0]
    out = apply(clips(num_clips=24).to("meta"), params, donors.to("meta"))
    assert (out.shape, out.device.type) == ((24, 2, 3, 16, 8), "meta")


def test_input_is_left_alone():
    frames = clips()
    before = frames.clone()
    apply(frames, drawn(published.NOISY_JITTERED_EXCHANGE, Modality.VISIBLE, count=3))
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
        top, left, tall, wide = rendering._pixels(box, 64, 32)
        assert (tall, wide) == (32, 16)
        assert 0 <= top <= 32
        assert 0 <= left <= 16
    assert rendering._pixels(Box(0.4, 1 / 0.3, 0.999, 0.999), 10, 40) == (0, 33, 10, 7)


def test_clips_with_and_without_a_jitter_share_a_batch():
    frames = clips(num_clips=3)
    jitter = Jitter(0.7, 1.3, 0.5, 0.2, order=(2, 0, 3, 1))
    out = apply(frames, [ClipParams(), ClipParams(jitter=jitter), ClipParams()])
    assert torch.equal(out[::2], frames[::2] / 255)
    assert torch.equal(out[1], jitter_colours(frames[1:2], [jitter])[0] / 255)


def test_a_jittered_clip_is_grey_where_a_channel_is_copied():
    frames, jitter = clips(num_clips=1), Jitter(hue=0.4, saturation=1.5)
    out = apply(frames, [ClipParams(jitter=jitter, grey=(0.0, 1.0, 0.0))])
    green = jitter_colours(frames, [jitter])[:, :, 1:2] / 255
    assert torch.equal(out, green.expand_as(out))


def test_colour_maps_colour_every_grey_level():
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 1, 1, 16, 16).expand(-1, -1, 3, -1, -1)
    out = apply(ramp, [ClipParams(colour_maps=(17, 0, 2))]) * 255
    figures = torch.tensor([[78, 108, 112, 104, 56], [0, 50, 100, 200, 255], [0, 0, 18, 255, 128]])
    assert torch.equal(out.flatten(-2)[0, 0][:, [0, 50, 100, 200, 255]].round().long(), figures)


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


INTERVENED = {
    Modality.VISIBLE: transforms.INTERVENED_VISIBLE,
    Modality.INFRARED: transforms.INTERVENED_INFRARED,
}


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
    strong = replace(
        INTERVENED[modality], weighted=0.2, exchange=0.2, shift=0.2, swap=1.0, swap_size=(0.1, 0.3)
    )
    params = drawn(strong, modality, count=12)
    assert any(p.swap is not None and p.gain != (1.0,) * 3 for p in params)
    donors = donor_frames(params)
    before = [
        p._replace(scale=1.0, gamma=1.0, offset=0.0, gain=(1.0,) * 3, box=None, swap=None) for p in params
    ]
    levels = (apply(frames, before) * 255).round().to(torch.uint8).numpy()
    of_clip = iter(donors.numpy())
    swapped = [
        c if p.swap is None else slowly_swapped(c, next(of_clip), p.swap)
        for c, p in zip(levels, params, strict=True)
    ]
    after = [p._replace(down=0.0, right=0.0, flip=False, grey=None, swap=None) for p in params]
    expected = apply(torch.from_numpy(np.stack(swapped)), after)
    # a value may fall on either side of a half level in another order of summation
    assert torch.isclose(apply(frames, params, donors), expected, atol=1e-6).float().mean() > 0.999


def test_swap_with_oneself_is_the_identity():
    frames = clips(num_clips=5, num_frames=1).expand(-1, 3, -1, -1, -1)
    params = [
        ClipParams(swap=Swap(size, blend))
        for size, blend in ((0.01, 1.0), (0.05, 0.5), (0.2, 1.0), (0.3, 0.7), (0.4, 1.0))
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


@pytest.mark.parametrize(("num_swaps", "num_donors"), [(2, 1), (2, None), (0, 1)])
def test_each_swap_needs_a_donor(num_swaps: int, num_donors: int | None):
    params = [ClipParams(swap=Swap(0.05, 1.0))] * num_swaps + [ClipParams()] * (3 - num_swaps)
    donors = None if num_donors is None else clips(num_clips=num_donors)[:, 0]
    with pytest.raises(DataError, match=f"{num_donors or 0} donor frames for {num_swaps} clips"):
        apply(clips(), params, donors)
