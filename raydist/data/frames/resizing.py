"""Decoded pictures at the size that is wanted: by area, or by one of Pillow's filters.

The image methods train on pictures by Pillow's filters. These look at all pixels that a new one covers (they
are antialiased), which a resize of a tensor and OpenCV's of the same names do not.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

AREA = "area"
_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
RESIZES = (AREA, *_FILTERS)
"""How a picture is brought to another size."""


def resized(pixels: NDArray[np.uint8], *, height: int, width: int, resize: str = AREA) -> NDArray[np.uint8]:
    """A picture of another size.

    Args:
        pixels: uint8 [h, w, 3].
        height: wanted height in pixels.
        width: wanted width in pixels.
        resize: ``area`` takes the mean over the area of a new pixel where a picture shrinks, and is bilinear
            where it grows; ``bilinear``, ``bicubic`` and ``lanczos`` are Pillow's.

    Returns:
        uint8 [height, width, 3]; `pixels` itself where they have this size.

    >>> stripes = np.repeat(np.array([[0, 0, 240, 240]], np.uint8)[..., None], 3, axis=2)
    >>> {name: resized(stripes, height=1, width=2, resize=name)[0, :, 0].tolist() for name in RESIZES}
    {'area': [0, 240], 'bilinear': [34, 206], 'bicubic': [20, 220], 'lanczos': [17, 223]}
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    if resize != AREA:
        return np.array(Image.fromarray(pixels).resize((width, height), _FILTERS[resize]))
    shrinks = pixels.shape[0] >= height and pixels.shape[1] >= width
    by_area = cv2.resize(
        pixels, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return by_area.astype(np.uint8, copy=False)
