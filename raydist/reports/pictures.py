"""Frames as small JPEG pictures inside a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import simplejpeg

from raydist.data.frames.decoding import Pixels
from raydist.types import Ints

SHOWN_HEIGHT = 128
"""Pixels of the screen that a frame is high, about: smaller frames are enlarged by a whole factor."""

MAX_HEIGHT = 160
"""Higher frames are shrunk to this height."""

QUALITY = 85


class FrameReader(Protocol):
    """The frames of the tracklets of a table, row by row, see `raydist.data.frames.store.FrameStore`."""

    @property
    def num_frames(self) -> Ints:
        """int64 [N], the frames of each tracklet."""

    def read(self, rows: Ints, frame_indices: Ints) -> Pixels:
        """The pixels uint8 [B, T, 3, H, W] of the frames int64 [B, T] of the tracklets int64 [B]."""


@dataclass(frozen=True)
class Picture:
    """A JPEG as a data URI, and its size on the screen in pixels."""

    uri: str
    width: int
    height: int


def strip(frames: FrameReader, row: int, *, num_frames: int) -> Picture:
    """Frames of one tracklet side by side, evenly spread over it.

    Args:
        frames: the reader.
        row: the tracklet.
        num_frames: how many; fewer where the tracklet is shorter.
    """
    chosen = spread(int(frames.num_frames[row]), num_frames)
    clip = frames.read(np.array([row]), chosen[None])[0]
    return picture(np.concatenate(list(clip.transpose(0, 2, 3, 1)), axis=1))


def spread(total: int, wanted: int) -> Ints:
    """The middles of `wanted` equal parts of 0..total-1, each once.

    >>> spread(9, 3), spread(2, 3), spread(5, 1)
    (array([1, 4, 7]), array([0, 1]), array([2]))
    """
    return np.unique((2 * np.arange(wanted) + 1) * total // (2 * wanted))


def picture(pixels: Pixels) -> Picture:
    """A picture that is readable on a screen.

    Args:
        pixels: uint8 [H, W, 3], red, green, blue.

    >>> shown = picture(np.zeros((64, 32, 3), np.uint8))
    >>> shown.height, shown.width, shown.uri[:23]
    (128, 64, 'data:image/jpeg;base64,')
    """
    height, width = pixels.shape[:2]
    if height > MAX_HEIGHT:
        height, width = MAX_HEIGHT, max(1, round(width * MAX_HEIGHT / height))
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
    encoded = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=QUALITY, colorsubsampling="444")
    factor = max(1, round(SHOWN_HEIGHT / height))
    return Picture(
        "data:image/jpeg;base64," + base64.b64encode(encoded).decode(), factor * width, factor * height
    )
