"""From a body in three dimensions to strokes on a picture: rotation, perspective and drawing order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.walking import Figure, Part
from raydist.types import Floats

Array = NDArray[np.floating]


class Strokes(NamedTuple):
    """Tapered strokes in the picture plane.

    Attributes:
        start: float32 [T, P, 2], x to the right and y down; body heights as projected, pixels once placed.
        end: float32 [T, P, 2].
        radii: float32 [T, P, 2] at both ends.
        order: int [T, P], parts from the farthest to the nearest; parts that are not worn come first.
        num_absent: how many parts are not worn.
    """

    start: Floats
    end: Floats
    radii: Floats
    order: NDArray[np.int64]
    num_absent: int


def project(figure: Figure, yaw: Array, pitch: float, height: float) -> Strokes:
    """Look at a figure from a camera.

    Args:
        figure: capsules of T frames.
        yaw: [T] radians; 0 walks towards the camera, a quarter turn to the right, a half turn away.
        pitch: radians that the camera looks down.
        height: factor of the whole body.

    Returns:
        Strokes in body heights; the ground under the pelvis is the origin.
    """
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]

    def look(points: Array) -> tuple[Array, Array]:
        across = points[..., 1] * cos + points[..., 0] * sin
        nearness = points[..., 0] * cos - points[..., 1] * sin
        down = nearness * np.sin(pitch) - points[..., 2] * np.cos(pitch)
        return np.stack([across, down], -1) * height, nearness * np.cos(pitch)

    (start, start_near), (end, end_near) = look(figure.start), look(figure.end)
    radii = (
        np.hypot(figure.width * np.abs(cos)[..., None], figure.thickness * np.abs(sin)[..., None]) * height
    )
    nearness = _layered(0.5 * (start_near + end_near), cos[:, 0], figure.worn)
    return Strokes(
        start.astype(np.float32),
        end.astype(np.float32),
        radii.astype(np.float32),
        np.argsort(nearness, 1, kind="stable"),
        int((~figure.worn).sum()),
    )


def place(strokes: Strokes, scale: Array, centre: Array, ground: Array) -> Strokes:
    """Size strokes to pixels so that the trunk is at `centre` and the feet at `ground`, each [T]."""
    trunk = 0.5 * (strokes.start[:, Part.PELVIS, 0] + strokes.end[:, Part.TORSO, 0])
    origin = np.stack([centre - trunk * scale, ground], -1)[:, None].astype(np.float32)
    sized = scale[:, None, None].astype(np.float32)
    return strokes._replace(
        start=strokes.start * sized + origin, end=strokes.end * sized + origin, radii=strokes.radii * sized
    )


def _layered(nearness: Array, facing: Array, worn: NDArray[np.bool_]) -> Array:
    """Mend the order of parts whose capsules intersect, where the mean distance of an axis misleads."""
    near = nearness.copy()
    front = np.where(facing > 0, 1.0, -1.0)
    near[:, Part.TAIL] = np.maximum(near[:, Part.L_THIGH], near[:, Part.R_THIGH]) + 0.02
    near[:, Part.PELVIS] = near[:, Part.TAIL] + 0.001
    near[:, Part.TORSO] = np.maximum(near[:, Part.TORSO], near[:, Part.PELVIS] + 0.001)
    near[:, Part.SHOULDERS] = near[:, Part.TORSO] + 0.001
    for arm in (Part.L_UPPER_ARM, Part.R_UPPER_ARM, Part.BAG):
        near[:, arm] += 0.025 * np.sign(near[:, arm])
    near[:, Part.NECK], near[:, Part.HEAD] = 0.19, 0.20
    near[:, Part.HAIR] = np.where(facing < 0.25, 0.21, 0.195)
    near[:, Part.LONG_HAIR] = np.where(facing < 0.1, 0.22, -0.2)
    near[:, Part.BUN] = 0.05 - 0.23 * front
    near[:, Part.STRAP] = 0.14 * front
    near[:, Part.LOGO] = np.where(np.abs(facing) < 0.35, -0.5, 0.15 * front)
    near[:, ~worn] = -np.inf
    return near
