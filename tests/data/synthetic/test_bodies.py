from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from raydist.data.synthetic.bodies import Person, draw_person, draw_wardrobe
from raydist.data.synthetic.settings import WorldSettings
from raydist.types import Modality

Tiny = Callable[..., WorldSettings]


def content(person: Person) -> Any:
    """All that makes a person, without the number, as something that compares."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        return value.tolist() if isinstance(value, np.ndarray) else value

    return plain(asdict(replace(person, identity=0)))


def test_null_persons_are_identical_in_both_modalities(tiny: Tiny) -> None:
    settings = tiny(id_spread=0, gap=1, pattern_survival=0, wardrobe=1)
    wardrobe = draw_wardrobe(settings, 3)
    persons = [draw_person(k, settings, 3, wardrobe) for k in range(1, 30)]
    assert all(content(person) == content(persons[0]) for person in persons)
    assert persons[0].outfits[Modality.VISIBLE] is persons[0].outfits[Modality.INFRARED]


def test_persons_differ_and_are_a_function_of_number_and_seed(tiny: Tiny) -> None:
    first, again, other_seed = (draw_person(4, tiny(), seed) for seed in (3, 3, 8))
    assert content(first) == content(again) != content(other_seed)
    heights = {draw_person(k, tiny(), 3).body.height for k in range(1, 30)}
    assert len(heights) == 29


def test_the_number_of_persons_does_not_change_them(tiny: Tiny) -> None:
    assert content(draw_person(2, tiny(), 0)) == content(draw_person(2, tiny(num_train_identities=50), 0))


def test_spread_scales_the_differences(tiny: Tiny) -> None:
    deviation = [
        np.std([draw_person(k, tiny(id_spread=s), 0).gait.stride for k in range(1, 60)])
        for s in (0.0, 0.5, 1.0)
    ]
    assert deviation[0] < 1e-12
    np.testing.assert_allclose(2 * deviation[1], deviation[2], rtol=1e-6)


def test_wardrobe_is_shared(tiny: Tiny) -> None:
    settings = tiny(wardrobe=2)
    wardrobe = draw_wardrobe(settings, 0)
    worn = {id(draw_person(k, settings, 0, wardrobe).outfits[Modality.VISIBLE]) for k in range(1, 30)}
    assert worn == {id(outfit) for outfit in wardrobe}


def test_clothes_change_and_unpaired_are_chances(tiny: Tiny) -> None:
    def share(settings: WorldSettings) -> tuple[float, float]:
        persons = [draw_person(k, settings, 0) for k in range(1, 200)]
        changed = np.mean([p.outfits[Modality.VISIBLE] is not p.outfits[Modality.INFRARED] for p in persons])
        return float(changed), float(np.mean([len(p.filmed_in) == 1 for p in persons]))

    assert share(tiny()) == (0, 0)
    assert share(tiny(clothes_change=1, unpaired=1)) == (1, 1)
    changed, alone = share(tiny(clothes_change=0.3, unpaired=0.2))
    assert 0.2 < changed < 0.4
    assert 0.1 < alone < 0.3
