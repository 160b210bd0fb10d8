from collections.abc import Callable

import numpy as np
import pytest

from raydist.data.synthetic.bodies import draw_person
from raydist.data.synthetic.dressing import dress
from raydist.data.synthetic.settings import WorldSettings
from raydist.data.synthetic.walking import Figure, Part, gait_phase, walk
from raydist.types import Modality

Tiny = Callable[..., WorldSettings]


@pytest.fixture
def figures(tiny: Tiny) -> list[Figure]:
    phase = np.linspace(0, 4 * np.pi, 41)
    persons = [draw_person(k, tiny(), 0) for k in range(1, 40)]
    return [walk(person, person.outfits[Modality.VISIBLE], phase) for person in persons]


def test_limbs_keep_their_length(figures: list[Figure]) -> None:
    for figure in figures:
        length = np.linalg.norm(figure.end - figure.start, axis=2)
        for part in (Part.L_FOREARM, Part.R_FOREARM, Part.L_UPPER_ARM, Part.R_UPPER_ARM, Part.NECK):
            np.testing.assert_allclose(length[:, part], length[0, part], rtol=0.03)
        in_plane = np.linalg.norm((figure.end - figure.start)[:, :, [0, 2]], axis=2)
        for part in (Part.L_THIGH, Part.R_THIGH, Part.L_SHIN, Part.R_SHIN):
            np.testing.assert_allclose(in_plane[:, part], in_plane[0, part], rtol=1e-9)


def test_one_foot_stands_on_the_ground(figures: list[Figure]) -> None:
    for figure in figures:
        ankles = figure.end[:, [Part.L_SHIN, Part.R_SHIN], 2]
        np.testing.assert_allclose(ankles.min(1), 0.035, atol=1e-9)


def test_walking_repeats_with_the_gait_cycle(figures: list[Figure]) -> None:
    for figure in figures:
        np.testing.assert_allclose(figure.start[:21], figure.start[20:], atol=1e-9)
        assert np.ptp(figure.end[:, Part.L_SHIN, 0]) > 0.1


def test_the_head_is_on_top(figures: list[Figure]) -> None:
    for figure in figures:
        top = (figure.end[:, :, 2] + figure.width[None, :, 1])[:, figure.worn].argmax(1)
        assert set(np.flatnonzero(figure.worn)[top]) <= {Part.HEAD, Part.HAIR, Part.BUN}
        assert 0.9 < (figure.end[:, Part.HAIR, 2] + figure.width[Part.HAIR, 1]).mean() < 1.15


def test_every_worn_part_has_a_material(tiny: Tiny) -> None:
    for k in range(1, 30):
        person = draw_person(k, tiny(), 0)
        looks = dress(person, person.outfits[Modality.VISIBLE])
        assert looks.visible.shape == (len(Part), 2, 3)
        assert looks.infrared.shape == (len(Part), 2)
        np.testing.assert_array_equal(looks.visible[Part.HEAD], person.skin.visible)


def test_phase_advances_at_the_cadence(tiny: Tiny) -> None:
    gait = draw_person(1, tiny(), 0).gait
    phase = gait_phase(gait, 11, 10.0, np.random.default_rng(0))
    assert (phase[-1] - phase[0]) / (2 * np.pi) == pytest.approx(gait.cadence, rel=0.1)
