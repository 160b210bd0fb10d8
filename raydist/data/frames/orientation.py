"""Which way up a picture is: the orientation that a camera notes in EXIF, and the turn that undoes it."""

from __future__ import annotations

import struct
from typing import Any

from numpy.typing import NDArray

UPRIGHT = 1
LYING = frozenset({5, 6, 7, 8})
"""Orientations in which rows and columns of the stored pixels change places."""

_TIFF = (b"II*\x00", b"MM\x00*")
_ORIENTATION, _SHORT = 0x0112, 3


def orientation(encoded: bytes) -> int:
    """The orientation in the EXIF block of a JPEG, PNG or WebP file; OpenCV turns TIFF files itself.

    Args:
        encoded: content of the file.

    Returns:
        1 to 8 as EXIF counts them; 1 (upright) where there is no block, or none that can be read.

    >>> orientation(b"no picture")
    1
    """
    if encoded.startswith(b"\xff\xd8"):
        start = encoded.find(b"Exif\x00\x00") + 6
    elif encoded.startswith(b"\x89PNG"):
        start = encoded.find(b"eXIf") + 4
    elif encoded[8:12] == b"WEBP":
        start = encoded.find(b"EXIF") + 8
        start += 6 * encoded.startswith(b"Exif\x00\x00", start)
    else:
        return UPRIGHT
    return _in_tiff(encoded[start : start + 65536]) if encoded.startswith(_TIFF, start) else UPRIGHT


def _in_tiff(block: bytes) -> int:
    """The orientation in the first directory of a TIFF structure."""
    order = "<" if block.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (entries,) = struct.unpack_from(order + "H", block, directory)
        for number in range(entries):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", block, directory + 2 + 12 * number)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT


def turned_upright(pixels: NDArray[Any], stored: int) -> NDArray[Any]:
    """The pixels as a person is meant to see them.

    Args:
        pixels: [H, W] or [H, W, C] as they are stored.
        stored: their orientation, 1 to 8.

    Returns:
        The same pixels turned and mirrored: a view, or `pixels` itself where they are upright.

    >>> import numpy as np
    >>> turned_upright(np.array([[1, 2]]), 6)
    array([[1],
           [2]])
    """
    if stored in LYING:
        pixels = pixels.swapaxes(0, 1)
    if stored in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if stored in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
