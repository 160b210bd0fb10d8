"""From light to bytes: the visible sensor, and the infrared sensor with its lamp and automatic exposure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.cameras import Camera
from raydist.types import Floats

Bytes = NDArray[np.uint8]
_DARKEST = np.float32(1e-4)


def expose_visible(frames: Floats, camera: Camera, rng: np.random.Generator, noise: float) -> Bytes:
    """The visible sensor: exposure that drifts a little, white balance, gamma, haze and noise.

    Args:
        frames: float32 [T, H, W, 3], linear light.
        camera: its settings.
        rng: source of chance.
        noise: standard deviation, of full scale.

    Returns:
        uint8 [T, H, W, 3].
    """
    drift = 1 + 0.04 * np.sin(np.arange(len(frames)) / 12 + rng.uniform(0, 2 * np.pi))
    exposure = (np.exp(rng.normal(0, 0.10)) * drift).astype(np.float32)
    light = np.clip(frames * (camera.gain * exposure[:, None])[:, None, None], _DARKEST, 1)
    value = np.float32(camera.haze) + np.float32(1 - camera.haze) * light ** np.float32(camera.gamma)
    grain = np.float32(noise) * (np.float32(0.6) + np.float32(0.8) * value)
    return _noisy_bytes(value, grain, rng)


def expose_infrared(
    frames: Floats, camera: Camera, rng: np.random.Generator, noise: float, yaw: NDArray[np.floating]
) -> Bytes:
    """The infrared sensor: the lamp is weaker at a distance and at the rim of the picture.

    Exposure is set on the first frame.

    Args:
        frames: float32 [T, H, W], light under a lamp at unit distance.
        camera: its settings.
        rng: source of chance.
        noise: standard deviation, of full scale.
        yaw: [T] radians; a person who walks towards the lamp grows brighter.

    Returns:
        uint8 [T, H, W].
    """
    height, width = frames.shape[1:]
    distance = np.clip(1 + 0.25 * rng.normal() - 0.012 * np.cumsum(np.cos(yaw)), 0.6, 2)
    power = (camera.lamp / distance**2).astype(np.float32)
    x, y = (np.arange(width) + 0.5) / width - 0.5, (np.arange(height) + 0.5) / height - 0.5
    falloff = (1 - camera.vignette * (x**2 + y[:, None] ** 2)).astype(np.float32)
    light = frames * power[:, None, None] * falloff
    # Automatic exposure goes three quarters of the way towards its aim.
    bright = float(np.quantile(light[0], 0.93)) + 1e-3
    light = np.clip(light * np.float32((rng.uniform(0.45, 0.85) / bright) ** 0.75), _DARKEST, 1)
    value = light ** np.float32(camera.infrared_gamma)
    grain = np.float32(noise) * (np.float32(0.5) + np.sqrt(value))
    return _noisy_bytes(value, grain, rng)


def _noisy_bytes(value: Floats, grain: Floats, rng: np.random.Generator) -> Bytes:
    value = value + grain * rng.standard_normal(value.shape, dtype=np.float32)
    return np.clip(value * np.float32(255), 0, 255).astype(np.uint8)
