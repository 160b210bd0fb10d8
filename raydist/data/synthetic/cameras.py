"""Cameras: the scene each one looks at, in visible and near-infrared albedo, its lights, lens and sensors."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.garments import draw_colour, pick
from raydist.data.synthetic.settings import WorldSettings
from raydist.randomness import stream
from raydist.types import Floats

PIXELS_PER_UNIT = 64
"""Scenes are laid out in units of a 64th of the frame height: bricks keep their size next to people."""

# What stands behind: visible albedo and near-infrared albedo (foliage is very bright, glass dark).
_WALLS = {
    "brick": ((0.40, 0.26, 0.20), 0.45),
    "hedge": ((0.10, 0.20, 0.07), 0.70),
    "plaster": ((0.50, 0.48, 0.44), 0.50),
    "glass": ((0.20, 0.25, 0.30), 0.12),
}


@dataclass(frozen=True)
class Camera:
    """A fixed camera with a visible sensor by day and an infrared sensor with its own lamp by night.

    Attributes:
        number: from 1.
        visible: float32 [2 height, 12 width, 3], albedo of the scene.
        infrared: float32 [2 height, 12 width].
        horizon: row of the scene where the ground begins.
        direction: yaw in radians of a person on the path.
        pitch: radians that the camera looks down.
        frame_rate: frames per second.
        light_side: where the sun stands, -1 left to 1 right.
        ambient: share of the visible light that comes from everywhere.
        gain: float32 [3], exposure and white balance.
        gamma: of the visible sensor.
        haze: veil over the visible picture, 0 to 1.
        blur: standard deviation in units.
        lamp: power of the infrared lamp.
        infrared_gamma: of the infrared sensor.
        infrared_blur: standard deviation in units.
        vignette: loss of infrared light towards the rim.
    """

    number: int
    visible: Floats
    infrared: Floats
    horizon: int
    direction: float
    pitch: float
    frame_rate: float
    light_side: float
    ambient: float
    gain: Floats
    gamma: float
    haze: float
    blur: float
    lamp: float
    infrared_gamma: float
    infrared_blur: float
    vignette: float


def draw_camera(number: int, settings: WorldSettings, seed: int) -> Camera:
    """The camera of that number, a function of the settings and the seed alone."""
    rng = stream(seed, "synthetic.camera", number)
    visible, infrared, horizon = _draw_scene(rng, settings)
    balance = np.exp(rng.normal(0, 0.10, 3))
    return Camera(
        number=number,
        visible=visible,
        infrared=infrared,
        horizon=horizon,
        direction=float(rng.uniform(0, 2 * np.pi)),
        pitch=float(rng.uniform(0.02, 0.38)),
        frame_rate=float(rng.uniform(9, 14)),
        light_side=float(rng.uniform(-0.8, 0.8)),
        ambient=float(rng.uniform(0.40, 0.75)),
        gain=(balance / balance.mean() * rng.uniform(0.60, 1.25)).astype(np.float32),
        gamma=float(rng.uniform(0.45, 0.62)),
        haze=float(rng.uniform(0, 0.05)),
        blur=float(rng.uniform(0, 0.7)),
        lamp=float(rng.uniform(0.75, 1.25)),
        infrared_gamma=float(rng.uniform(0.5, 0.75)),
        infrared_blur=float(rng.uniform(0.25, 0.8)),
        vignette=float(rng.uniform(0.1, 0.5)),
    )


def cloudy(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, ...] = (4, 8, 16, 32, 64)
) -> Floats:
    """Noise of several scales, [H, W], standard deviation 1.

    Args:
        rng: source of chance.
        shape: height and width.
        cells: for each octave, the number of grid cells on 256 pixels; later octaves are weaker.

    Returns:
        float32 [H, W].
    """
    height, width = shape
    total = np.zeros(shape, np.float32)
    for octave, cell in enumerate(cells):
        grid = rng.standard_normal(
            (max(2, height * cell // 256), max(2, width * cell // 256)), dtype=np.float32
        )
        total += 0.75**octave * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return total / (total.std() + np.float32(1e-6))


def _draw_scene(rng: np.random.Generator, settings: WorldSettings) -> tuple[Floats, Floats, int]:
    """Visible and infrared albedo of a wall above the horizon and the ground below it."""
    shape = (2 * settings.height, 12 * settings.width)
    unit = settings.height / PIXELS_PER_UNIT
    y, x = (np.mgrid[: shape[0], : shape[1]] / unit).astype(np.float32)
    horizon = int(shape[0] * rng.uniform(0.30, 0.60))
    wall = y < horizon / unit
    kind = pick(rng, tuple(_WALLS))
    wall_colour, wall_infrared = _WALLS[kind]
    ground_colour = np.array([0.30, 0.29, 0.27]) * rng.uniform(0.45, 1.4) * (1 + 0.05 * rng.normal(size=3))
    ground_infrared = rng.uniform(0.22, 0.50)
    rough, soft = cloudy(rng, shape), cloudy(rng, shape)
    texture = np.where(
        wall, _wall_texture(kind, x, y, rough, soft), _ground_texture(rng, x, y - horizon / unit, rough)
    )
    texture *= settings.clutter
    visible = np.where(wall[..., None], np.array(wall_colour), ground_colour) * (
        1 + texture[..., None] * [1, 0.97, 0.93]
    )
    infrared = np.where(wall, wall_infrared * rng.uniform(0.8, 1.15), ground_infrared)
    infrared = infrared * (1 + 0.75 * texture + 0.06 * settings.clutter * soft)
    _put_clutter(rng, visible, infrared, horizon, round(settings.clutter * rng.integers(2, 6)))
    return (
        np.clip(visible, 0.01, 1).astype(np.float32),
        np.clip(infrared, 0.01, 1).astype(np.float32),
        horizon,
    )


def _wall_texture(kind: str, x: Floats, y: Floats, rough: Floats, soft: Floats) -> Floats:
    if kind == "hedge":
        return 0.38 * soft
    if kind == "brick":
        mortar = (y % 5 < 1) | ((x + 5 * (y // 5 % 2)) % 11 < 1)
        return 0.16 * rough + 0.25 * mortar
    if kind == "glass":
        return 0.16 * rough + 0.9 * ((x % 34 < 3) | (y % 40 < 2))
    return 0.16 * rough


def _ground_texture(rng: np.random.Generator, x: Floats, depth: Floats, rough: Floats) -> Floats:
    """Tarmac, or paving whose joints come closer together towards the horizon."""
    paved = rng.random() < 0.6
    near = np.sqrt(np.clip(depth / max(float(depth.max()), 1.0), 0, 1))
    joints = (near * 14 % 1 < 0.15) | ((x + 9 * near * near) % 19 < 1.2)
    return 0.16 * rough - 0.18 * (joints & paved)


def _put_clutter(
    rng: np.random.Generator,
    visible: NDArray[np.float64],
    infrared: NDArray[np.float64],
    horizon: int,
    count: int,
) -> None:
    """Stand posts, signs and doors in front of the wall."""
    height, width = infrared.shape
    for _ in range(count):
        left, size = int(rng.integers(width)), int(rng.integers(2, max(3, width // 15)))
        top, bottom = int(rng.integers(horizon)), horizon + int(rng.integers(height // 8))
        visible[top:bottom, left : left + size] = draw_colour(rng)
        infrared[top:bottom, left : left + size] = rng.uniform(0.1, 0.8)
