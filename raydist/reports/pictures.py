"""Frames as small JPEG pictures inside a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg

from raydist.data.frames.decoding import Pixels
from raydist.types import FrameReader, Ints

SHOWN_HEIGHT = 128
"""About the height of a frame on the screen, in pixels: smaller frames are enlarged by a whole factor."""

MAX_HEIGHT = 160
"""Higher frames are shrunk to this height."""

JPEG_QUALITY = 85


@dataclass(frozen=True)
class Picture:
    """A JPEG as a data URI, and its size on the screen in pixels."""

    uri: str
    width: int
    height: int


def frame_strip(frames: FrameReader, row: int, *, num_frames: int) -> Picture:
    """Some frames of one tracklet side by side, at even distances.

    Args:
        frames: the reader.
        row: the tracklet.
        num_frames: how many; fewer if the tracklet is shorter.
    """
    chosen = middles(int(frames.num_frames[row]), num_frames)
    clip = frames.read(np.array([row]), chosen[None])[0]
    return picture(np.concatenate(list(clip.transpose(0, 2, 3, 1)), axis=1))


def middles(total: int, num_parts: int) -> Ints:
    """The middle positions of equal parts of 0..total-1, each once.

    >>> middles(9, 3), middles(2, 3), middles(5, 1)
    (array([1, 4, 7]), array([0, 1]), array([2]))
    """
    return np.unique((2 * np.arange(num_parts) + 1) * total // (2 * num_parts))


def picture(pixels: Pixels) -> Picture:
    """A picture that is readable on a screen.

    Args:
        pixels: uint8 [H, W, 3], red, green, blue.

    >>> shown = picture(np.zeros((64, 32, 3), np.uint8))
    >>> shown.height, shown.width, shown.uri[:23]
    (128, 64, 'data:image/jpeg;base64,')
    """
    encoded, height, width = jpeg(pixels, max_height=MAX_HEIGHT)
    factor = max(1, round(SHOWN_HEIGHT / height))
    return Picture(
        "data:image/jpeg;base64," + base64.b64encode(encoded).decode(), factor * width, factor * height
    )


def jpeg(pixels: Pixels, *, max_height: int) -> tuple[bytes, int, int]:
    """Pixels as a JPEG, with its height and width.

    Args:
        pixels: uint8 [H, W, 3], red, green, blue.
        max_height: higher pictures are shrunk to it.
    """
    height, width = pixels.shape[:2]
    if height > max_height:
        height, width = max_height, max(1, round(width * max_height / height))
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
    encoded = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels), quality=JPEG_QUALITY, colorsubsampling="444"
    )
    return encoded, height, width
