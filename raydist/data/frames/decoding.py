"""Encoded images to pixels of one size and three channels.

The rules: grey is repeated to three equal channels; an alpha channel is dropped; 16 bits are scaled to 8
(65535 becomes 255); CMYK is converted; a rotation noted in EXIF is ignored, since person boxes are cut
upright and the published loaders ignore it.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from raydist.errors import DataError

MAX_PIXELS = 100_000_000
"""Larger images are refused: they are decompression bombs or not cut-out persons."""

Pixels = NDArray[np.uint8]

_JPEG, _PNG, _BMP = b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM"
STRAY_BYTES = "extraneous bytes"
"""What simplejpeg says of a complete picture with something behind it; OpenCV reads such files."""


def decode_image(encoded: bytes, *, height: int, width: int) -> Pixels:
    """The pixels of an encoded image, resized if need be (by area when it shrinks, else bilinear).

    Args:
        encoded: content of a JPEG, PNG, BMP or other file that OpenCV reads.
        height: wanted height in pixels.
        width: wanted width in pixels.

    Returns:
        uint8 [H, W, 3] in the order red, green, blue.

    Raises:
        DataError: the content is empty, truncated, of an unknown format or above `MAX_PIXELS`.
    """
    if not encoded:
        raise DataError("the file is empty")
    pixels = _decode_jpeg(encoded, height, width) if encoded.startswith(_JPEG) else _decode_other(encoded)
    if pixels.shape[:2] != (height, width):
        shrinks = pixels.shape[0] >= height and pixels.shape[1] >= width
        resized = cv2.resize(
            pixels, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        return resized.astype(np.uint8, copy=False)
    return pixels


def _decode_jpeg(encoded: bytes, height: int, width: int) -> Pixels:
    """Decode a JPEG, at a reduced scale where it is more than twice as large as wanted."""
    try:
        size = simplejpeg.decode_jpeg_header(encoded, strict=False)[:2]
    except (ValueError, KeyError):  # KeyError: cut off before the colour space is known
        raise DataError("the JPEG header is damaged or cut off") from None
    _check_size(*size)
    try:
        return simplejpeg.decode_jpeg(encoded, "RGB", min_height=height, min_width=width, min_factor=2)
    except ValueError as error:
        if STRAY_BYTES in str(error):
            return _decode_other(encoded)
        raise DataError(str(error)) from None


def _decode_other(encoded: bytes) -> Pixels:
    size = _size_in_header(encoded)
    if size is not None:
        _check_size(*size)
    try:
        pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DataError(f"the image cannot be decoded: {error.err}") from None
    if pixels is None:
        raise DataError("the image is truncated or of an unknown format")
    _check_size(*pixels.shape[:2])
    return _to_rgb(pixels)


def _to_rgb(pixels: NDArray[Any]) -> Pixels:
    """OpenCV's grey, BGR or BGRA of 8 or 16 bits as RGB of 8 bits."""
    if pixels.dtype == np.uint16:
        pixels = (pixels // 257).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise DataError(f"pixels of type {pixels.dtype}: expected 8 or 16 bit integers")
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    if pixels.shape[2] not in (3, 4):
        raise DataError(f"{pixels.shape[2]} channels: expected 1, 3 or 4")
    return np.ascontiguousarray(pixels[..., 2::-1])


def _size_in_header(encoded: bytes) -> tuple[int, int] | None:
    """Height and width as a PNG or BMP header states them, so that a bomb is refused before it is decoded."""
    if encoded.startswith(_PNG) and len(encoded) >= 24:
        width, height = struct.unpack(">II", encoded[16:24])
        return height, width
    if encoded.startswith(_BMP) and len(encoded) >= 26:
        width, height = struct.unpack("<ii", encoded[18:26])
        return abs(height), abs(width)
    return None


def _check_size(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise DataError(f"{height} x {width} pixels are above the limit of {MAX_PIXELS:,}")
