from collections.abc import Callable

import numpy as np
import pytest

from raydist.data.synthetic.garments import (
    draw_material,
    draw_outfit,
    draw_pattern,
    infrared_albedo,
    luminance,
)
from raydist.data.synthetic.settings import WorldSettings

Tiny = Callable[..., WorldSettings]


def materials(settings: WorldSettings, count: int = 200) -> list:
    return [draw_material(np.random.default_rng(k), settings, "upper") for k in range(count)]


def test_without_a_gap_infrared_is_luminance(tiny: Tiny) -> None:
    for material in materials(tiny(gap=0, pattern_survival=1)):
        expected = [luminance(colour) for colour in material.visible]
        np.testing.assert_allclose(material.infrared, expected, atol=1e-5)


@pytest.mark.parametrize(("gap", "low", "high"), [(0.0, 0.99, 1.0), (0.5, 0.4, 0.95), (1.0, -0.25, 0.25)])
def test_gap_takes_the_correlation_away(tiny: Tiny, gap: float, low: float, high: float) -> None:
    drawn = materials(tiny(gap=gap), 400)
    seen = [luminance(material.visible[0]) for material in drawn]
    assert low <= np.corrcoef(seen, [material.infrared[0] for material in drawn])[0, 1] <= high


def test_albedos_are_physical_and_prints_may_vanish(tiny: Tiny) -> None:
    shown, hidden = materials(tiny(gap=1, pattern_survival=1)), materials(tiny(gap=1, pattern_survival=0))
    for material in shown + hidden:
        assert material.visible.min() > 0
        assert material.visible.max() <= 0.95
        assert material.infrared.min() > 0
        assert material.infrared.max() <= 0.95
    contrast = [np.mean([abs(m.infrared[1] - m.infrared[0]) for m in drawn]) for drawn in (shown, hidden)]
    assert contrast[1] < 0.15 * contrast[0]


def test_one_knob_can_be_swept_alone(tiny: Tiny) -> None:
    for other in (tiny(gap=1), tiny(pattern_survival=0)):
        for first, second in zip(materials(tiny(), 50), materials(other, 50), strict=True):
            np.testing.assert_array_equal(first.visible, second.visible)
            assert first.pattern == second.pattern


def test_parts_of_a_material(tiny: Tiny) -> None:
    material = draw_outfit(np.random.default_rng(3), tiny()).upper
    np.testing.assert_array_equal(material.printed().visible[0], material.visible[1])
    assert (
        material.printed().pattern
        == material.plain().pattern
        == draw_pattern(np.random.default_rng(0), "plain")
    )


def test_albedo_rule() -> None:
    assert infrared_albedo(np.ones(3), 0.2, 1.0) == pytest.approx(0.2)
    assert infrared_albedo(np.ones(3), 0.2, 0.25) == pytest.approx(0.8)
