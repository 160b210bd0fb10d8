"""What people wear: colours that the visible camera sees and albedos that the infrared camera sees.

Most textile dyes are nearly transparent above 700 nm, so a garment's near-infrared brightness follows its
fibre and finish, not its colour (Mangold, Shaw and Vollmer, "The physics of near-infrared photography",
2013). The knob `gap` moves between that physics (1) and a world where infrared is plain luminance (0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.settings import WorldSettings
from raydist.types import Floats

T = TypeVar("T")
Legwear = Literal["trousers", "shorts", "skirt", "coat"]
Bag = Literal["none", "backpack", "shoulder", "hand"]


class Pattern(NamedTuple):
    """A print in body coordinates: u along the part, theta around it.

    Its strength is sigmoid(7 f), f = along sin(2 pi (along_frequency u + phase))
    + around sin(2 around_frequency theta + 2 pi phase) + bias.
    """

    along: float = 0.0
    around: float = 0.0
    along_frequency: float = 1.0
    around_frequency: float = 1.0
    bias: float = -1.0
    phase: float = 0.0


PLAIN = Pattern()
"""No print: sigmoid(-7)."""


@dataclass(frozen=True)
class Material:
    """Albedo of the ground colour and of the print on it.

    Attributes:
        visible: float32 [2, 3], red, green and blue of ground and print, 0 to 1, linear.
        infrared: float32 [2], of ground and print.
        pattern: where the print is.
        printed_sleeves: whether the print continues on sleeves; stripes and dots would not meet at the seam.
    """

    visible: Floats
    infrared: Floats
    pattern: Pattern = PLAIN
    printed_sleeves: bool = False

    def plain(self) -> Material:
        """The ground without the print."""
        return replace(self, pattern=PLAIN)

    def printed(self) -> Material:
        """A plain patch of the print's colour."""
        return Material(self.visible[::-1], self.infrared[::-1])


@dataclass(frozen=True)
class Outfit:
    """Everything worn; `loose` scales the thickness of sleeves and trouser legs."""

    upper: Material
    lower: Material
    shoes: Material
    bag_material: Material
    long_sleeves: bool
    legwear: Legwear
    bag: Bag
    logo: bool
    loose: float


# Red, green, blue and how often the colour is worn.
_COLOURS = (
    ((0.04, 0.04, 0.05), 5.0),
    ((0.05, 0.06, 0.10), 4.0),
    ((0.12, 0.12, 0.13), 4.0),
    ((0.35, 0.35, 0.36), 3.0),
    ((0.80, 0.80, 0.78), 4.0),
    ((0.62, 0.58, 0.48), 3.0),
    ((0.45, 0.07, 0.07), 2.0),
    ((0.60, 0.12, 0.10), 1.5),
    ((0.08, 0.12, 0.40), 3.0),
    ((0.12, 0.30, 0.60), 2.0),
    ((0.10, 0.30, 0.14), 1.5),
    ((0.30, 0.36, 0.12), 1.5),
    ((0.72, 0.55, 0.12), 1.0),
    ((0.70, 0.34, 0.10), 1.0),
    ((0.35, 0.20, 0.10), 2.0),
    ((0.40, 0.16, 0.40), 1.0),
    ((0.70, 0.42, 0.48), 1.2),
    ((0.15, 0.38, 0.40), 1.2),
)
_PALETTE = np.array([colour for colour, _ in _COLOURS])
_WORN = np.array([often for _, often in _COLOURS]) / sum(often for _, often in _COLOURS)
_DENIM = np.array([0.08, 0.12, 0.24])
_BLACK = np.array([0.05, 0.05, 0.05])
_UPPER_PATTERNS = ("plain", "plain", "plain", "bands", "stripes", "check", "dots", "halves")
_HIDDEN_CONTRAST = 0.08
"""What is left in infrared of the contrast of a print that does not survive."""


def luminance(colour: NDArray[np.floating]) -> float:
    """Weighted mean of red, green and blue (ITU-R BT.601).

    >>> round(luminance(np.array([0.5, 0.5, 0.5])), 3)
    0.5
    """
    return float(np.dot(colour, (0.299, 0.587, 0.114)))


def infrared_albedo(visible: NDArray[np.floating], independent: float, gap: float) -> float:
    """Near-infrared albedo of a surface: its luminance at gap 0, a value of its own at gap 1.

    >>> infrared_albedo(np.zeros(3), 0.8, 0.5)
    0.4
    """
    return gap * independent + (1 - gap) * luminance(visible)


def draw_colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """A colour that people wear, [3], linear."""
    colour = _PALETTE[rng.choice(len(_PALETTE), p=_WORN)] * rng.uniform(0.75, 1.2) + rng.normal(0, 0.012, 3)
    grey = colour.mean()
    return np.clip(grey + (colour - grey) * rng.uniform(0.45, 0.95), 0.02, 0.85)


def draw_pattern(rng: np.random.Generator, name: str) -> Pattern:
    """The named pattern, its width and place drawn."""
    along, around, phase = float(rng.uniform(2.2, 5.0)), float(rng.uniform(1.0, 2.6)), float(rng.random())
    return {
        "plain": PLAIN,
        "bands": Pattern(1, 0, along, 1, 0, phase),
        "stripes": Pattern(0, 1, 1, around, 0, phase),
        "check": Pattern(0.6, 0.6, 0.8 * along, around, 0, phase),
        "dots": Pattern(0.7, 0.7, along, 1.4 * around, -0.75, phase),
        "halves": Pattern(1, 0, 0.5, 1, 0, 0.25),
    }[name]


def draw_material(rng: np.random.Generator, settings: WorldSettings, kind: str) -> Material:
    """One piece of cloth or leather.

    Args:
        rng: source of chance; the number of draws does not depend on the settings, so that one knob can be
            swept alone.
        settings: `gap` and `pattern_survival` decide the infrared albedos.
        kind: ``upper``, ``lower`` or ``plain``.

    Returns:
        The material.
    """
    ground, printed = draw_colour(rng), draw_colour(rng)
    denim, dark, shade = rng.random() < 0.27, rng.random() < 0.25, rng.uniform(0.6, 1.6)
    if kind == "lower" and (denim or dark):
        ground = (_DENIM if denim else _BLACK) * shade
    # One garment in five stays dark in near infrared (carbon black and alike), the rest turns bright.
    dark_value, bright_value = rng.uniform(0.05, 0.20), rng.uniform(0.32, 0.85)
    own = dark_value if rng.random() < 0.22 else bright_value
    infrared = infrared_albedo(ground, own, settings.gap)
    contrast = infrared_albedo(printed - ground, rng.uniform(-0.45, 0.45), settings.gap)
    if rng.random() >= settings.pattern_survival:
        contrast *= _HIDDEN_CONTRAST
    names = {"upper": _UPPER_PATTERNS, "lower": ("plain",) * 6 + ("stripes",), "plain": ("plain",)}[kind]
    name = pick(rng, names)
    return Material(
        visible=np.array([ground, printed], np.float32),
        infrared=np.array([infrared, np.clip(infrared + contrast, 0.02, 0.95)], np.float32),
        pattern=draw_pattern(rng, name),
        printed_sleeves=name in ("bands", "check"),
    )


def draw_outfit(rng: np.random.Generator, settings: WorldSettings) -> Outfit:
    """Everything that one person wears."""
    return Outfit(
        upper=draw_material(rng, settings, "upper"),
        lower=draw_material(rng, settings, "lower"),
        shoes=draw_material(rng, settings, "plain"),
        bag_material=draw_material(rng, settings, "plain"),
        long_sleeves=bool(rng.random() < 0.67),
        legwear=pick(rng, ("trousers", "trousers", "trousers", "trousers", "shorts", "skirt", "coat")),
        bag=pick(rng, ("none", "none", "backpack", "shoulder", "hand")),
        logo=bool(rng.random() < 0.3),
        loose=float(rng.uniform(0.9, 1.22)),
    )


def pick(rng: np.random.Generator, choices: tuple[T, ...]) -> T:
    """One of the choices, each as likely as the others."""
    return choices[int(rng.integers(len(choices)))]
