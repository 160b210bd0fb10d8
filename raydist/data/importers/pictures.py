"""Picture files: which files are pictures, in what order, and their pixels with the bits they have."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.decoding import stored_pixels
from raydist.data.frames.reading import read_frame_file
from raydist.errors import DataError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".jp2"})

Picture = NDArray[Any]
"""uint8 or uint16 [H, W] or [H, W, C], the channels in OpenCV's order."""


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


def why_no_picture(path: Path) -> str | None:
    """Why a file is no picture, as far as its beginning says; None where it is one."""
    try:
        status = path.stat()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file"
    if not status.st_size:
        return "is empty"
    if not os.access(path, os.R_OK):
        return "cannot be read (Permission denied)"
    if any("\ud800" <= letter <= "\udfff" for letter in str(path)):
        return None  # OpenCV crashes on names that are not UTF-8; the manifest refuses them
    return None if cv2.haveImageReader(str(path)) else "is no picture"


def read_picture(path: Path) -> Picture:
    """The pixels of a picture file, upright; 16 bits and grey stay what they are.

    Raises:
        DataError: the file cannot be read, is cut off, or is no picture.
    """
    try:
        encoded = read_frame_file(path)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})") from None
    pixels = stored_pixels(encoded)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(f"its pixels are of type {pixels.dtype}: expected 8 or 16 bits")
    return pixels
