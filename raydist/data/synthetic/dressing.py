"""Which part of a body shows which material: sleeves or skin, trousers or legs, hair or hat."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from raydist.data.synthetic.bodies import Person
from raydist.data.synthetic.garments import Material, Outfit
from raydist.data.synthetic.walking import Part
from raydist.types import Floats


class Looks(NamedTuple):
    """The materials of all P parts.

    Attributes:
        visible: float32 [P, 2, 3], albedo of ground and print.
        infrared: float32 [P, 2].
        pattern: float32 [P, 6], see `garments.Pattern`.
    """

    visible: Floats
    infrared: Floats
    pattern: Floats


def dress(person: Person, outfit: Outfit) -> Looks:
    """The looks of a person in an outfit."""
    materials = _materials(person, outfit)
    parts = [materials[part] for part in Part]
    return Looks(
        np.stack([material.visible for material in parts]),
        np.stack([material.infrared for material in parts]),
        np.array([material.pattern for material in parts], np.float32),
    )


def _materials(person: Person, outfit: Outfit) -> dict[Part, Material]:
    upper, lower, skin, hair, leather = (
        outfit.upper,
        outfit.lower,
        person.skin,
        person.hair,
        outfit.bag_material,
    )
    sleeve = upper if upper.printed_sleeves else upper.plain()
    forearm = sleeve if outfit.long_sleeves else skin
    thigh = skin if outfit.legwear == "skirt" else lower
    shin = lower if outfit.legwear in ("trousers", "coat") else skin
    coat = outfit.legwear == "coat"
    crown = {"bald": skin, "hat": leather}.get(person.hair_style, hair)
    materials = dict.fromkeys((Part.L_HAND, Part.R_HAND, Part.NECK, Part.HEAD), skin)
    materials |= {Part.TORSO: upper, Part.SHOULDERS: upper.plain(), Part.LOGO: upper.printed()}
    materials |= {
        Part.L_UPPER_ARM: sleeve,
        Part.R_UPPER_ARM: sleeve,
        Part.L_FOREARM: forearm,
        Part.R_FOREARM: forearm,
    }
    materials |= {Part.L_THIGH: thigh, Part.R_THIGH: thigh, Part.L_SHIN: shin, Part.R_SHIN: shin}
    materials |= {
        Part.L_FOOT: outfit.shoes,
        Part.R_FOOT: outfit.shoes,
        Part.BAG: leather,
        Part.STRAP: leather,
    }
    materials |= {Part.PELVIS: upper.plain() if coat else lower, Part.TAIL: upper.plain() if coat else lower}
    materials |= {Part.HAIR: crown, Part.LONG_HAIR: hair, Part.BUN: hair}
    return materials
