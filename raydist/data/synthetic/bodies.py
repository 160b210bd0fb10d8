"""Persons: the build of the body, the way it walks, skin and hair, and the outfits worn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.garments import Material, Outfit, draw_outfit, infrared_albedo, pick
from raydist.data.synthetic.settings import WorldSettings
from raydist.randomness import stream
from raydist.types import Modality

HairStyle = Literal["short", "long", "bun", "hat", "bald"]


@dataclass(frozen=True)
class Body:
    """Lengths and half-widths as parts of the mean body height; `height`, `build` and `limb` are factors."""

    height: float
    build: float
    limb: float
    shoulder: float
    hip: float
    leg: float
    head: float
    flatness: float


@dataclass(frozen=True)
class Gait:
    """How a body walks: cadence in cycles per second, angles in radians, sway and head in body heights."""

    cadence: float
    stride: float
    knee_lift: float
    arm_swing: float
    elbow: float
    lean: float
    sway: float
    asymmetry: float
    lag: float
    arm_spread: float
    head_forward: float


@dataclass(frozen=True)
class Person:
    """One identity.

    Attributes:
        identity: number from 1.
        body: proportions.
        gait: way of walking.
        skin: its albedos.
        hair: its albedos.
        hair_style: cut, or what covers it.
        outfits: what is worn when filmed in each modality (day and night).
        filmed_in: the modalities that the person is seen in.
    """

    identity: int
    body: Body
    gait: Gait
    skin: Material
    hair: Material
    hair_style: HairStyle
    outfits: dict[Modality, Outfit]
    filmed_in: tuple[Modality, ...]


# Mean and standard deviation over people.
_BODY = {
    "height": (1.0, 0.055),
    "build": (1.0, 0.13),
    "limb": (1.0, 0.12),
    "shoulder": (0.108, 0.013),
    "hip": (0.083, 0.009),
    "leg": (0.500, 0.016),
    "head": (0.064, 0.004),
    "flatness": (0.72, 0.07),
}
_GAIT = {
    "cadence": (0.95, 0.10),
    "stride": (0.42, 0.075),
    "knee_lift": (0.95, 0.18),
    "arm_swing": (0.42, 0.16),
    "elbow": (0.30, 0.16),
    "lean": (0.03, 0.05),
    "sway": (0.012, 0.005),
    "asymmetry": (0.0, 0.10),
    "lag": (0.0, 0.12),
    "arm_spread": (0.14, 0.05),
    "head_forward": (0.012, 0.010),
}
_SKIN_TINT = np.array([1.15, 0.80, 0.62])
_HAIR_COLOURS = np.array([[0.04, 0.03, 0.03], [0.04, 0.03, 0.03], [0.18, 0.11, 0.06], [0.45, 0.34, 0.18]])
_HAIR_STYLES: tuple[HairStyle, ...] = ("short", "short", "short", "long", "long", "bun", "hat", "bald")


def draw_person(
    identity: int, settings: WorldSettings, seed: int, wardrobe: tuple[Outfit, ...] = ()
) -> Person:
    """The person of that number, a function of the settings and the seed alone.

    Args:
        identity: number from 1.
        settings: `id_spread` scales every difference between persons; 0 gives all of them one body, skin and
            hair.
        seed: seed of the world.
        wardrobe: outfits to choose from; when empty the person has outfits of their own.

    Returns:
        The person.
    """
    rng = stream(seed, "synthetic.body", identity)
    spread = settings.id_spread
    body = Body(**_around(_BODY, rng, spread))
    gait = Gait(**_around(_GAIT, rng, spread))
    skin = _draw_skin(rng, settings)
    hair, hair_style = _draw_hair(rng, settings)
    rng = stream(seed, "synthetic.clothes", identity)
    day, night = (pick(rng, wardrobe) if wardrobe else draw_outfit(rng, settings) for _ in range(2))
    changes = rng.random() < settings.clothes_change
    alone, missing = rng.random() < settings.unpaired, pick(rng, tuple(Modality))
    return Person(
        identity=identity,
        body=body,
        gait=gait,
        skin=skin,
        hair=hair,
        hair_style=hair_style,
        outfits={Modality.VISIBLE: day, Modality.INFRARED: night if changes else day},
        filmed_in=(missing.other,) if alone else tuple(Modality),
    )


def draw_wardrobe(settings: WorldSettings, seed: int) -> tuple[Outfit, ...]:
    """The outfits that all persons share; none when each person has their own."""
    return tuple(
        draw_outfit(stream(seed, "synthetic.wardrobe", k), settings) for k in range(settings.wardrobe)
    )


def _around(
    table: dict[str, tuple[float, float]], rng: np.random.Generator, spread: float
) -> dict[str, float]:
    """A value near each mean; beyond two standard deviations bodies look broken."""
    return {
        name: mean + spread * deviation * float(np.clip(rng.normal(), -2, 2))
        for name, (mean, deviation) in table.items()
    }


def _draw_skin(rng: np.random.Generator, settings: WorldSettings) -> Material:
    """Skin differs widely in the visible and hardly in near infrared."""
    tone = 0.37 + settings.id_spread * rng.uniform(-0.20, 0.20)
    own = 0.56 + settings.id_spread * rng.uniform(-0.05, 0.05)
    return _uniform_material(_SKIN_TINT * tone, own, settings.gap)


def _draw_hair(rng: np.random.Generator, settings: WorldSettings) -> tuple[Material, HairStyle]:
    """Colour and cut; at a small spread few people differ from the first of each table."""
    differs = rng.random() < settings.id_spread
    colour, style = pick(rng, tuple(_HAIR_COLOURS)), pick(rng, _HAIR_STYLES)
    shade, own = rng.uniform(-0.3, 0.3), rng.uniform(-0.13, 0.13)
    chosen = (colour if differs else _HAIR_COLOURS[0]) * (1 + settings.id_spread * shade)
    material = _uniform_material(chosen, 0.31 + settings.id_spread * own, settings.gap)
    return material, style if differs else _HAIR_STYLES[0]


def _uniform_material(colour: NDArray[np.float64], own_infrared: float, gap: float) -> Material:
    visible = np.clip(colour, 0.02, 0.9)
    infrared = infrared_albedo(visible, own_infrared, gap)
    return Material(np.stack([visible, visible]).astype(np.float32), np.full(2, infrared, np.float32))
