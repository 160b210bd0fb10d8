from collections.abc import Callable
from dataclasses import replace

import numpy as np

from raydist.data.synthetic.passes import Pass, Switch
from raydist.data.synthetic.rendering import film
from raydist.data.synthetic.settings import WorldSettings
from raydist.data.synthetic.world import build_world
from raydist.types import Modality

Tiny = Callable[..., WorldSettings]
WALK = Pass(1, "train", 2, (Modality.VISIBLE,), 0, 1, 1, (12, 12))


def of(walk: Pass, *modalities: Modality) -> Pass:
    return replace(walk, modalities=modalities)


def test_frames_have_the_promised_shape(tiny: Tiny) -> None:
    world = build_world(tiny(), 0)
    visible = film(of(WALK, Modality.VISIBLE), world)
    infrared = film(of(WALK, Modality.INFRARED), world)
    assert visible.frames[Modality.VISIBLE].shape == (24, 32, 16, 3)
    assert infrared.frames[Modality.INFRARED].shape == (24, 32, 16)
    for footage in (visible, infrared):
        assert len(footage.frames) == 1
        assert footage.mask.shape == (24, 32, 16)
        assert 0 <= footage.mask.min() < footage.mask.max() <= 1
        assert 0.1 < footage.mask.mean() < 0.5
        assert all(frames.dtype == np.uint8 for frames in footage.frames.values())


def test_paired_recordings_share_their_geometry(tiny: Tiny) -> None:
    settings = tiny(occlusion=0, far=0, noise_visible=0, noise_infrared=0)
    paired = film(of(WALK, *Modality), build_world(settings, 0))
    assert set(paired.frames) == set(Modality)
    walker, background = paired.mask > 0.99, paired.mask < 0.01
    for frames in paired.frames.values():
        grey = frames.reshape(24, 32, 16, -1).mean(-1)
        assert abs(grey[walker].mean() - grey[background].mean()) > 2


def test_a_pass_is_a_function_of_its_own_numbers(tiny: Tiny) -> None:
    world = build_world(tiny(), 0)
    first = film(WALK, world).frames[Modality.VISIBLE]
    film(replace(WALK, number=1), world)
    np.testing.assert_array_equal(first, film(WALK, build_world(tiny(), 0)).frames[Modality.VISIBLE])
    for other in (replace(WALK, number=1), replace(WALK, camera=3), replace(WALK, identity=2)):
        assert not np.array_equal(first, film(other, world).frames[Modality.VISIBLE])


def test_id_switch_changes_only_the_tail(tiny: Tiny) -> None:
    world = build_world(tiny(occlusion=1.0), 0)
    for modality in Modality:
        clean = film(of(WALK, modality), world).frames[modality]
        switched = film(replace(of(WALK, modality), switch=Switch(17, 3)), world).frames[modality]
        np.testing.assert_array_equal(clean[:17], switched[:17])
        assert (clean[17:] != switched[17:]).reshape(7, -1).mean(1).min() > 0.05


def test_occluders_hide_the_walker(tiny: Tiny) -> None:
    for pedestrians in (0.0, 1.0):
        clear, covered = (
            film(WALK, build_world(tiny(occlusion=chance, pedestrians=pedestrians), 4))
            for chance in (0.0, 1.0)
        )
        assert (covered.mask <= clear.mask + 1e-6).all()
        assert covered.mask.sum() < 0.99 * clear.mask.sum()


def test_null_shows_the_same_person_whoever_walks(tiny: Tiny) -> None:
    settings = tiny(id_spread=0, gap=1, pattern_survival=0, wardrobe=1, occlusion=0, jitter=0)
    world = build_world(settings, 0)
    # The stream of a pass is keyed by the identity, so another person in the same place must film alike.
    for modality in Modality:
        walk = of(WALK, modality)
        first = film(walk, world)
        exchanged = replace(world, persons={**world.persons, 1: world.persons[5]})
        second = film(walk, exchanged)
        np.testing.assert_array_equal(first.frames[modality], second.frames[modality])
        np.testing.assert_array_equal(first.mask, second.mask)


def test_people_fill_the_same_share_of_the_frame_at_any_size(tiny: Tiny) -> None:
    shares = [
        film(WALK, build_world(tiny(height=h, width=h // 2, occlusion=0), 0)).mask.mean()
        for h in (32, 64, 128)
    ]
    assert max(shares) < 1.4 * min(shares)
