"""What chance makes of strengths: ranges and shares over many draws, one generator a clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from raydist.data.transforms import augment as transforms
from raydist.data.transforms.augment import BASIC, ClipAugment, ClipParams, draw_params
from raydist.types import Modality


def drawn(augment: ClipAugment, modality: Modality, *, count: int, seed: int = 0) -> list[ClipParams]:
    rng = np.random.default_rng(seed)
    return [draw_params(augment, modality, rng) for _ in range(count)]


def test_default_strengths_draw_default_parameters():
    assert set(drawn(transforms.NONE, Modality.VISIBLE, count=20)) == {ClipParams()}


@pytest.mark.parametrize(
    ("recipe", "greys"),
    [
        ("BASIC", 0.0),
        ("NOISE_JITTERED_EXCHANGE", 1.0),
        ("NOISE_ADAPTIVE_GREY", 0.875),
        ("CHANNEL_EXCHANGE", 1.0),
        ("CHANNEL_ADAPTIVE_GREY", 0.875),
        ("TONES_VISIBLE", 0.9),
    ],
)
def test_share_of_grey_clips(recipe: str, greys: float):
    params = drawn(getattr(transforms, recipe), Modality.VISIBLE, count=2000)
    assert np.mean([p.grey is not None for p in params]) == pytest.approx(greys, abs=0.04)
    assert all(sum(p.grey) == pytest.approx(1, abs=1e-3) for p in params if p.grey is not None)


def test_channel_exchange_copies_each_channel_as_often():
    chosen = [np.argmax(p.grey) for p in drawn(transforms.CHANNEL_EXCHANGE, Modality.VISIBLE, count=1500)]
    assert np.bincount(chosen, minlength=3) == pytest.approx([500, 500, 500], abs=80)


def test_adaptive_grey_is_luma_every_eighth_time():
    greys = [p.grey for p in drawn(transforms.CHANNEL_ADAPTIVE_GREY, Modality.INFRARED, count=3000)]
    assert np.mean([grey == transforms.LUMA for grey in greys]) == pytest.approx(1 / 8, abs=0.03)
    assert np.mean([grey is None for grey in greys]) == pytest.approx(1 / 8, abs=0.03)


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
    without, swapping = (
        draw_params(a, Modality.VISIBLE, np.random.default_rng(4)) for a in (BASIC, replace(BASIC, swap=1.0))
    )
    assert swapping.swap is not None
    assert swapping._replace(swap=None) == without


JITTERED = ["JITTERED_BASIC", "JITTERED_EXCHANGE", "JITTERED_ADAPTIVE_GREY", "NOISE_JITTERED_EXCHANGE"]
NOISY = ["NOISE_BASIC", "NOISE_JITTERED_EXCHANGE", "NOISE_ADAPTIVE_GREY", "NOISE_PSEUDO_COLOUR"]
ALL = [name for name in dir(transforms) if isinstance(getattr(transforms, name), ClipAugment)]


@pytest.mark.parametrize("recipe", ALL)
def test_what_the_image_methods_ask_for(recipe: str):
    params = drawn(getattr(transforms, recipe), Modality.INFRARED, count=200)
    assert {p.jitter is not None for p in params} == {recipe in JITTERED}
    assert {p.colour_maps is not None for p in params} == {recipe == "NOISE_PSEUDO_COLOUR"}
    assert {p.box.noise is not None for p in params if p.box is not None} <= {recipe in NOISY}
    assert all(p.grey is None for p in params if p.colour_maps is not None)


def test_boxes_of_noise_are_up_to_half_the_frame_with_a_seed_each():
    boxes = [p.box for p in drawn(transforms.NOISE_BASIC, Modality.VISIBLE, count=2000) if p.box is not None]
    assert len(boxes) == pytest.approx(1000, abs=90)
    assert 0.02 <= min(box.area for box in boxes) < 0.03
    assert 0.49 < max(box.area for box in boxes) <= 0.5
    assert len({box.noise for box in boxes}) == len(boxes)


def test_pseudo_colour_comes_as_often_as_asked():
    params = drawn(ClipAugment(pseudo_colour=0.3), Modality.INFRARED, count=2000)
    assert np.mean([p.colour_maps is not None for p in params]) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("more", [{"jitter": 0.5}, {"pseudo_colour": 1.0}, {"erase_noise": True}])
def test_jitter_pseudo_colour_and_noise_change_no_other_draw(more: dict):
    for seed in range(10):
        without, extended = (
            draw_params(a, Modality.VISIBLE, np.random.default_rng(seed))
            for a in (BASIC, replace(BASIC, **more))
        )
        box = None if extended.box is None else extended.box._replace(noise=None)
        assert extended._replace(jitter=None, colour_maps=None, box=box) == without


@pytest.mark.parametrize(
    ("recipe", "modality", "following"),
    [
        ("TONES_VISIBLE", Modality.VISIBLE, 0.8169605424354319),
        ("INTERVENED_INFRARED", Modality.INFRARED, 0.2558381601172124),
        ("INTERVENED_VISIBLE", Modality.VISIBLE, 0.07321899681281874),
    ],
)
def test_new_kinds_of_change_draw_nothing_where_they_are_not_asked_for(
    recipe: str, modality: Modality, following: float
):
    # the figures are of a version that knew neither jitter nor colour maps nor noise: its runs can be
    # repeated
    rng = np.random.default_rng(7)
    for _ in range(50):
        draw_params(getattr(transforms, recipe), modality, rng)
    assert rng.random() == following
