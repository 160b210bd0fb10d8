"""The walking body: 24 tapered capsules in three dimensions, moved by a phase model of the gait.

The body's own axes are x forward, y to its left and z up, in body heights, with the origin on the ground
under the pelvis. Thighs swing with the sine of the phase, knees flex in the swing, arms go in antiphase to
the legs.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.bodies import Body, Gait, Person
from raydist.data.synthetic.garments import Outfit

Array = NDArray[np.floating]
Part = IntEnum(
    "Part",
    "L_THIGH L_SHIN L_FOOT R_THIGH R_SHIN R_FOOT L_UPPER_ARM L_FOREARM L_HAND R_UPPER_ARM R_FOREARM R_HAND "
    "TORSO SHOULDERS NECK HEAD HAIR LONG_HAIR BUN PELVIS TAIL BAG STRAP LOGO",
    start=0,
)
ANKLE = 0.035
"""Height of the ankle above the sole."""


class Sides(NamedTuple):
    """The parts of a limb on one side of the body; `sign` is +1 on the left."""

    sign: int
    upper: Part
    lower: Part
    end: Part


LEGS = (Sides(1, Part.L_THIGH, Part.L_SHIN, Part.L_FOOT), Sides(-1, Part.R_THIGH, Part.R_SHIN, Part.R_FOOT))
ARMS = (
    Sides(1, Part.L_UPPER_ARM, Part.L_FOREARM, Part.L_HAND),
    Sides(-1, Part.R_UPPER_ARM, Part.R_FOREARM, Part.R_HAND),
)


class Figure:
    """The capsules of T frames.

    Attributes:
        start: float [T, P, 3], one end of every part's axis.
        end: float [T, P, 3], the other end.
        width: float [P, 2], radius at both ends seen from the front.
        thickness: float [P, 2], radius at both ends seen from the side.
        worn: bool [P], whether the part is there.
    """

    def __init__(self, num_frames: int) -> None:
        self.start = np.zeros((num_frames, len(Part), 3))
        self.end = np.zeros((num_frames, len(Part), 3))
        self.width = np.zeros((len(Part), 2))
        self.thickness = np.zeros((len(Part), 2))
        self.worn = np.zeros(len(Part), bool)

    def put(
        self,
        part: Part,
        start: Array,
        end: Array,
        width: tuple[float, float],
        thickness: tuple[float, float] | None = None,
    ) -> None:
        """Place a part; without a thickness it is round."""
        self.start[:, part], self.end[:, part] = start, end
        self.width[part], self.thickness[part] = width, thickness or width
        self.worn[part] = True


class Trunk(NamedTuple):
    """The joints of the trunk, each [T]: heights of hip and chest, lateral sway, forward lean."""

    hip: Array
    chest: Array
    sway: Array
    lean: float


def gait_phase(gait: Gait, num_frames: int, frame_rate: float, rng: np.random.Generator) -> Array:
    """Phase of the gait cycle at every frame, [T] radians, from a drawn moment on."""
    pace = gait.cadence * (1 + rng.normal(0, 0.02))
    return 2 * np.pi * (pace * np.arange(num_frames) / frame_rate + rng.random())


def walk(person: Person, outfit: Outfit, phase: Array) -> Figure:
    """The person's capsules while walking.

    Args:
        person: body, gait and hair style.
        outfit: decides what is worn and how loose it is.
        phase: [T] phase of the gait cycle in radians.

    Returns:
        The figure of T frames.
    """
    body, gait = person.body, person.gait
    figure = Figure(len(phase))
    strides = [_stride(body, gait, phase, side.sign) for side in LEGS]
    hip = np.maximum(-strides[0].ankle_z, -strides[1].ankle_z) + ANKLE
    trunk = Trunk(hip, hip + 0.820 - body.leg, gait.sway * np.sin(phase + 0.6), 0.32 * gait.lean)
    for side, stride in zip(LEGS, strides, strict=True):
        _put_leg(figure, body, outfit, trunk, side, stride)
    _put_torso(figure, body, outfit, trunk, phase)
    for side in ARMS:
        _put_arm(figure, person, outfit, trunk, side, phase)
    _put_head(figure, person, trunk)
    _put_coat_or_skirt(figure, body, outfit, trunk, strides)
    _put_bag(figure, body, outfit, trunk)
    return figure


class _Stride(NamedTuple):
    """Places of knee and ankle relative to the hip, and the angle of the shin, each [T]."""

    knee_x: Array
    knee_z: Array
    ankle_x: Array
    ankle_z: Array
    shin: Array


def _stride(body: Body, gait: Gait, phase: Array, sign: int) -> _Stride:
    """One leg in the plane of walking: a swinging thigh, and a knee that bends in the air."""
    if sign < 0:
        phase = phase + np.pi + gait.lag
    thigh_length, shin_length = 0.5 * body.leg, 0.5 * body.leg - ANKLE
    thigh = gait.stride * (1 + sign * gait.asymmetry) * np.sin(phase) - 0.04
    from_swing = np.angle(np.exp(1j * (phase + 0.35)))
    flexion = 0.10 + gait.knee_lift * np.exp(-((from_swing / 0.62) ** 2) / 2)
    shin = thigh - flexion
    knee_x, knee_z = thigh_length * np.sin(thigh), -thigh_length * np.cos(thigh)
    return _Stride(
        knee_x, knee_z, knee_x + shin_length * np.sin(shin), knee_z - shin_length * np.cos(shin), shin
    )


def _point(x: Array | float, y: Array | float, z: Array | float) -> Array:
    """[T, 3] (or [3]) from coordinates of which some may be constant."""
    return np.stack(np.broadcast_arrays(x, y, z), -1)


def _put_leg(figure: Figure, body: Body, outfit: Outfit, trunk: Trunk, side: Sides, stride: _Stride) -> None:
    covered = outfit.legwear in ("trousers", "coat")
    loose = outfit.loose if covered else 0.92
    cuff = 1.15 if covered and outfit.loose > 1.1 else 1.0
    y = side.sign * 0.55 * body.hip + trunk.sway
    hip = _point(0.0, y, trunk.hip)
    knee = _point(stride.knee_x, 0.85 * y, trunk.hip + stride.knee_z)
    ankle = _point(stride.ankle_x, 0.80 * y, trunk.hip + stride.ankle_z)
    tilt = 0.6 * stride.shin
    toe = _point(0.085 * np.cos(tilt), 0.012 * side.sign, -0.020 + 0.085 * np.minimum(np.sin(tilt), 0.3))
    figure.put(side.upper, hip, knee, (0.056 * body.build * body.limb * loose, 0.042 * body.limb * loose))
    figure.put(side.lower, knee, ankle, (0.041 * body.limb * loose, 0.026 * body.limb * cuff))
    figure.put(side.end, ankle + np.array([-0.02, 0.0, -0.012]), ankle + toe, (0.024, 0.019))


def _put_torso(figure: Figure, body: Body, outfit: Outfit, trunk: Trunk, phase: Array) -> None:
    hip, chest, sway, lean = trunk
    puffed = outfit.loose if outfit.legwear == "coat" else 0.5 + 0.5 * outfit.loose
    depth = body.flatness * body.build
    pelvis = (0.98 * body.hip * body.build,) * 2
    figure.put(
        Part.PELVIS,
        _point(0.0, sway, hip + 0.025),
        _point(0.1 * lean, sway, hip + 0.06),
        pelvis,
        (0.092 * depth,) * 2,
    )
    waist_and_chest = (0.92 * body.hip * body.build * puffed, 0.86 * body.shoulder * body.build * puffed)
    figure.put(
        Part.TORSO,
        _point(0.2 * lean, sway, hip + 0.085),
        _point(lean, 0.6 * sway, chest - 0.055),
        waist_and_chest,
        (0.088 * depth * puffed, 0.110 * depth * puffed),
    )
    twist = -0.10 * np.sin(phase)
    ends = [
        _point(
            lean + 0.8 * body.shoulder * np.sin(sign * twist),
            sign * 0.78 * body.shoulder + 0.6 * sway,
            chest - 0.035,
        )
        for sign in (1, -1)
    ]
    figure.put(Part.SHOULDERS, ends[0], ends[1], (0.036 * body.limb * puffed,) * 2)


def _put_arm(figure: Figure, person: Person, outfit: Outfit, trunk: Trunk, side: Sides, phase: Array) -> None:
    body, gait, sign = person.body, person.gait, side.sign
    phase = phase + (np.pi if sign > 0 else gait.lag)
    swing = gait.arm_swing * (1 + sign * gait.asymmetry) * np.sin(phase) + 0.03
    if outfit.bag == "hand" and sign > 0:
        swing = 0.25 * swing
    forearm = swing + gait.elbow * (1 + 0.8 * np.maximum(0, np.sin(phase)))
    shoulder = _point(trunk.lean, sign * 0.98 * body.shoulder + 0.6 * trunk.sway, trunk.chest - 0.04)
    elbow = shoulder + 0.165 * _point(np.sin(swing), sign * gait.arm_spread, -np.cos(swing))
    wrist = elbow + _point(0.15 * np.sin(forearm), -0.01 * sign, -0.15 * np.cos(forearm))
    fingers = wrist + 0.022 * _point(np.sin(forearm), 0.0, -np.cos(forearm))
    sleeve = outfit.loose if outfit.long_sleeves else 1.0
    figure.put(side.upper, shoulder, elbow, (0.033 * body.limb * outfit.loose, 0.028 * body.limb * sleeve))
    figure.put(side.lower, elbow, wrist, (0.027 * body.limb * sleeve, 0.020 * body.limb * sleeve))
    figure.put(side.end, wrist, fingers, (0.019, 0.016))


def _put_head(figure: Figure, person: Person, trunk: Trunk) -> None:
    head, style = person.body.head, person.hair_style
    x = trunk.lean + person.gait.head_forward + 0.1 * person.gait.lean
    y, z = 0.5 * trunk.sway, trunk.chest + 0.099
    figure.put(Part.NECK, _point(trunk.lean, y, trunk.chest - 0.03), _point(x, y, z - 0.03), (0.030, 0.028))
    figure.put(
        Part.HEAD, _point(x + 0.004, y, z - 0.018), _point(x, y, z + 0.014), (0.80 * head, 0.90 * head)
    )
    size = {"bald": 0.80, "hat": 1.06}.get(style, 1.0) * head
    lift = (0.020, 0.030) if style == "hat" else (0.0, 0.0)
    figure.put(
        Part.HAIR,
        _point(x - 0.016, y, z + 0.004 + lift[0]),
        _point(x - 0.010, y, z + 0.026 + lift[1]),
        (0.92 * size, 0.93 * size),
    )
    if style == "long":
        nape = _point(trunk.lean - 0.045, y, trunk.chest - 0.09)
        figure.put(Part.LONG_HAIR, _point(x - 0.030, y, z + 0.01), nape, (0.80 * head, 0.034))
    if style == "bun":
        knot = _point(x - 0.060, y, z + 0.045)
        figure.put(Part.BUN, knot, knot, (0.030, 0.030))


def _put_coat_or_skirt(
    figure: Figure, body: Body, outfit: Outfit, trunk: Trunk, strides: list[_Stride]
) -> None:
    """The hanging part below the hips, and the logo on the chest."""
    if outfit.legwear in ("skirt", "coat"):
        length, flare = (0.44, 1.35) if outfit.legwear == "skirt" else (0.42, 1.08)
        between = 0.5 * (strides[0].knee_x + strides[1].knee_x)
        hem = _point(between, trunk.sway, trunk.hip - length * body.leg)
        width, thickness = figure.width[Part.PELVIS, 0], figure.thickness[Part.PELVIS, 0]
        figure.put(
            Part.TAIL,
            _point(0.0, trunk.sway, trunk.hip + 0.03),
            hem,
            (1.04 * width, flare * width),
            (1.04 * thickness, flare * thickness),
        )
    if outfit.logo:
        x, z = 0.078 * body.build + trunk.lean, trunk.chest - 0.13
        figure.put(
            Part.LOGO, _point(x, trunk.sway - 0.024, z), _point(x, trunk.sway + 0.024, z), (0.030, 0.030)
        )


def _put_bag(figure: Figure, body: Body, outfit: Outfit, trunk: Trunk) -> None:
    hip, chest, sway, lean = trunk
    if outfit.bag == "backpack":
        bottom, top = _point(-0.105, sway, hip + 0.11), _point(-0.105 + lean, sway, hip + 0.25)
        figure.put(Part.BAG, bottom, top, (0.070, 0.063), (0.050, 0.045))
    elif outfit.bag == "shoulder":
        y = sway - body.shoulder - 0.035
        figure.put(
            Part.BAG,
            _point(-0.01, y, hip - 0.01),
            _point(lean - 0.01, y, hip + 0.045),
            (0.035, 0.032),
            (0.065, 0.058),
        )
        low = _point(0.055, sway - 0.9 * body.shoulder, hip + 0.03)
        high = _point(0.05 + lean, sway + 0.55 * body.shoulder, chest - 0.03)
        figure.put(Part.STRAP, low, high, (0.010, 0.010))
    elif outfit.bag == "hand":
        fingers = figure.end[:, Part.L_HAND]
        figure.put(
            Part.BAG,
            fingers + np.array([0, 0.01, -0.03]),
            fingers + np.array([0, 0.01, -0.095]),
            (0.022, 0.020),
            (0.050, 0.045),
        )
