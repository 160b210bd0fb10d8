"""What chance makes of strengths: ranges and shares over many draws, one generator a clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from raydist.data.transforms import augment as transforms
from raydist.data.transforms.augment import BASIC, ClipAugment, ClipParams, draw_params
from raydist.errors import ConfigError
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
        ("TONES_VISIBLE", 0.9),
    ],
)
def test_share_of_grey_clips(recipe: str, greys: float):
    params = drawn(getattr(transforms, recipe), Modality.VISIBLE, count=2000)
    assert np.mean([p.grey is not None for p in params]) == pytest.approx(greys, abs=0.04)
    assert all(sum(p.grey) == pytest.approx(1, abs=1e-3) for p in params if p.grey is not None)


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


def test_pseudo_colour_comes_as_often_as_asked():
    params = drawn(ClipAugment(pseudo_colour=0.3), Modality.INFRARED, count=2000)
    assert np.mean([p.colour_maps is not None for p in params]) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize(
    "more", [{"jitter": 0.5}, {"jitter": 0.5, "jitter_first": True}, {"pseudo_colour": 1.0}]
)
def test_jitter_and_pseudo_colour_change_no_other_draw(more: dict):
    for seed in range(10):
        without, extended = (
            draw_params(a, Modality.VISIBLE, np.random.default_rng(seed))
            for a in (BASIC, replace(BASIC, **more))
        )
        assert extended.jitter_first == more.get("jitter_first", False)
        assert extended._replace(jitter=None, jitter_first=False, colour_maps=None) == without


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"normalised": True, "tone": 0.5, "swap": 1.0}, "tone, swap: not with normalised"),
        ({"normalised": True, "weighted": 0.1}, "weighted: not with normalised"),
        ({"erase_noise": True}, "need normalised=True"),
        ({"erase_tries": 2}, "need normalised=True"),
        ({"even_aspect": True}, "need normalised=True"),
    ],
)
def test_changes_of_levels_and_of_normalised_frames_do_not_mix(fields: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        ClipAugment(**fields)


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
