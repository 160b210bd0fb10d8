"""Picture files: which files are pictures, in what order, and their pixels with the bits they have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from raydist.data.frames.decoding import STRAY_BYTES
from raydist.errors import DataError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".jp2"})

Picture = NDArray[Any]
"""uint8 or uint16 [H, W] or [H, W, C], the channels in OpenCV's order."""

_JPEG = b"\xff\xd8"


def is_picture(name: str) -> bool:
    """Whether a file name is that of a picture."""
    return Path(name).suffix.lower() in SUFFIXES


def natural_key(name: str) -> list[tuple[int, str]]:
    """Sorts names with numbers in them as people count.

    >>> sorted(["f10.jpg", "f9.jpg"], key=natural_key)
    ['f9.jpg', 'f10.jpg']
    """
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if number % 2 else (0, part) for number, part in enumerate(parts)]


def read_picture(path: Path) -> Picture:
    """The pixels of a picture file; 16 bits and grey stay what they are.

    Raises:
        DataError: the file cannot be read, is cut off, or is no picture.
    """
    try:
        encoded = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})") from None
    if encoded.startswith(_JPEG):
        try:
            is_grey = simplejpeg.decode_jpeg_header(encoded, strict=False)[2] == "Gray"
            return simplejpeg.decode_jpeg(encoded, "GRAY" if is_grey else "BGR")
        except (ValueError, KeyError) as error:
            if STRAY_BYTES not in str(error):
                raise DataError(f"the JPEG is damaged or cut off ({error})") from None
    try:
        pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED) if encoded else None
    except cv2.error as error:
        raise DataError(f"the picture cannot be decoded ({error.err})") from None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise DataError("the file is empty, cut off, or no picture of 8 or 16 bits")
    return pixels
