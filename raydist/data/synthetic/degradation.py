"""What stands between a person and a clean picture: the detector, things in the way, the lens."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.cameras import PIXELS_PER_UNIT, cloudy
from raydist.data.synthetic.garments import draw_colour, pick
from raydist.data.synthetic.rasteriser import Canvas, Window
from raydist.types import Floats, Modality

Array = NDArray[np.floating]


class Boxes(NamedTuple):
    """Where the detector's boxes put the person, each [T] in pixels: body height, trunk and ground."""

    scale: Array
    centre: Array
    ground: Array

    def frames(self, start: int, stop: int) -> Boxes:
        """Some consecutive frames."""
        return Boxes(*(values[start:stop] for values in self))


class Span(NamedTuple):
    """The frames from `start` on, before `stop`."""

    start: int
    stop: int


def draw_boxes(rng: np.random.Generator, num_frames: int, height: int, width: int, jitter: float) -> Boxes:
    """A person framed by a detector whose error drifts from frame to frame (AR(1), correlation 0.8)."""
    noise = rng.normal(0, 1, (num_frames, 3))
    error = noise.copy()
    for t in range(1, num_frames):
        error[t] = 0.8 * error[t - 1] + 0.6 * noise[t]
    error *= jitter
    return Boxes(
        scale=0.90 * height * (1 + 0.020 * error[:, 0]),
        centre=0.5 * width + 0.018 * height * error[:, 1],
        ground=0.965 * height + 0.012 * height * error[:, 2],
    )


def draw_span(rng: np.random.Generator, num_frames: int) -> Span:
    """A part of the pass, a quarter of it at least where it fits."""
    start = int(rng.integers(0, max(1, num_frames // 2)))
    return Span(start, min(num_frames, start + int(rng.integers(max(1, num_frames // 4), num_frames + 1))))


def cover_with_thing(canvas: Canvas, rng: np.random.Generator, pan: Array) -> None:
    """Put a post, a low wall or a building's edge between camera and walker.

    Args:
        canvas: the frames that are covered, painted in place.
        rng: source of chance.
        pan: [T] pixels that the camera's window moves to the right in each frame.
    """
    num_frames, height, width = canvas.mask.shape
    kind = pick(rng, ("post", "wall", "edge"))
    place, size, top = (
        rng.uniform(0.1, 0.9) * width,
        rng.uniform(0.12, 0.35) * width,
        rng.uniform(0.55, 0.80) * height,
    )
    colour, infrared = draw_colour(rng), rng.uniform(0.1, 0.8)
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    shade = 1 + 0.12 * cloudy(rng, (height, width))
    alpha = np.zeros((num_frames, height, width))
    if kind == "post":
        from_centre = np.abs(x - (place - np.cumsum(pan))[:, None])
        alpha += np.clip(0.5 * size - from_centre + 0.5, 0, 1)[:, None, :]
        shade = shade * (1 - 0.35 * (np.clip(2 * from_centre / size, 0, 1) ** 2)[:, None, :])
    elif kind == "wall":
        alpha += np.clip(y - top + 0.5, 0, 1)[None, :, None]
        shade = shade * np.where(y < top + 0.04 * height, 1.3, 1.0)[:, None]
    else:
        inside = x if place < 0.5 * width else width - x
        alpha += np.clip(size - inside + 0.5, 0, 1)[None, None, :]
    shade = np.broadcast_to(shade, alpha.shape).astype(np.float32)
    light = {
        Modality.VISIBLE: shade[..., None] * colour.astype(np.float32),
        Modality.INFRARED: shade * np.float32(infrared),
    }
    canvas.blend(Window(0, height, 0, width), alpha.astype(np.float32), light, is_walker=False)


def through_lens(frames: Floats, blur: float, far: float | None) -> Floats:
    """Blur, after the loss of resolution of a person far away.

    Args:
        frames: float32 [T, H, W] or [T, H, W, 3].
        blur: standard deviation in units of a 64th of the height.
        far: share of the resolution that is left, or None.

    Returns:
        Frames of the same shape.
    """
    height, width = frames.shape[1:3]
    deviation = blur * height / PIXELS_PER_UNIT
    seen = np.empty_like(frames)
    for t, frame in enumerate(frames):
        if far is not None:
            small = cv2.resize(frame, (round(width * far), round(height * far)), interpolation=cv2.INTER_AREA)
            frame = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        seen[t] = cv2.GaussianBlur(frame, (0, 0), deviation) if deviation > 0.2 else frame
    return seen
