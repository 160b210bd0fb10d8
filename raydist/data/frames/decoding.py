"""Encoded images to pixels of one size, three channels and 8 bits.

The rules: an orientation noted in EXIF is applied; grey is repeated to three equal channels; an alpha channel
is dropped; CMYK is converted; what the file stores becomes 8 bits as `to_eight_bits` says.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from raydist import MAX_PICTURE_PIXELS
from raydist.data.frames.orientation import LYING, orientation, turned_upright
from raydist.data.frames.png_chunks import damaged_chunk
from raydist.data.frames.resizing import AREA, resized
from raydist.errors import DataError

# What OpenCV writes to stderr of a damaged picture; the errors that are raised here say which file it is.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

Pixels = NDArray[np.uint8]

Span = tuple[float, float] | None
"""Stored values that become 0 and 255; None is the full range of the file's type."""

_JPEG, _PNG, _BMP = b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM"
_START_OF_SCAN, _END = 0xDA, b"\xff\xd9"
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xDA), 0xFF})
_OPENCV_LIMIT = "CV_IO_MAX_IMAGE_"
"""In what OpenCV says of a picture that is too large by its header, see `raydist.MAX_PICTURE_PIXELS`."""

STRAY_BYTES = "extraneous bytes"
"""What simplejpeg says of a complete picture with something behind it; OpenCV reads such files."""


def decode_image(encoded: bytes, *, height: int, width: int, span: Span = None, resize: str = AREA) -> Pixels:
    """The pixels of an encoded image, resized if need be.

    Args:
        encoded: content of a JPEG, PNG, BMP, TIFF, WebP or other file that OpenCV reads.
        height: wanted height in pixels.
        width: wanted width in pixels.
        span: the stored values that become 0 and 255.
        resize: how, one of `raydist.data.frames.resizing.RESIZES`.

    Returns:
        uint8 [H, W, 3] in the order red, green, blue.

    Raises:
        DataError: the content is empty, truncated, of an unknown format or above `MAX_PICTURE_PIXELS`, or
            holds fractions and no span is given.
    """
    if encoded.startswith(_JPEG):
        smallest = (height, width) if resize == AREA else None
        pixels = to_eight_bits(_decode_jpeg(encoded, smallest), span)
    else:
        pixels = _to_rgb(to_eight_bits(stored_pixels(encoded), span))
    return resized(pixels, height=height, width=width, resize=resize)


def stored_pixels(encoded: bytes) -> NDArray[Any]:
    """The pixels of an encoded image with the bits that the file has, upright.

    Args:
        encoded: content of the file.

    Returns:
        [H, W] or [H, W, C] of the file's type, the channels in OpenCV's order; grey stays one channel.

    Raises:
        DataError: the content is empty, truncated, of an unknown format or above `MAX_PICTURE_PIXELS`, or no
            pixel is a finite number.
    """
    if not encoded:
        raise DataError("empty")
    pixels = _stored_jpeg(encoded) if encoded.startswith(_JPEG) else _decode_other(encoded)
    return np.ascontiguousarray(turned_upright(pixels, orientation(encoded)))


def to_eight_bits(pixels: NDArray[Any], span: Span) -> Pixels:
    """Stored values as 8 bits.

    Args:
        pixels: of any shape and number type.
        span: the values that become 0 and 255, what lies outside being cut off and NaN becoming 0; None takes
            the smallest and the largest value of the type, so that 65535 of 16 bits becomes 255.

    Raises:
        DataError: the values are fractions, which have no full range.

    >>> to_eight_bits(np.array([7000, 7400, 9000], np.uint16), (7000, 7800))
    array([  0, 128, 255], dtype=uint8)
    >>> to_eight_bits(np.array([7000, 7400, 9000], np.uint16), None)
    array([27, 28, 35], dtype=uint8)
    """
    if span is not None:
        low, high = span
        finite = np.nan_to_num(pixels.astype(np.float64), nan=low, posinf=high, neginf=low)
        scaled = (finite - low) * 255 / (high - low)
        return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return (pixels // 257).astype(np.uint8)
    if not np.issubdtype(pixels.dtype, np.integer):
        raise DataError(
            f"its pixels are fractions ({pixels.dtype}), which have no full range; say which values are "
            "black and white, such as data.range.infrared=[0.0,1.0]"
        )
    limits = np.iinfo(pixels.dtype)
    above = pixels.astype(np.int64) - limits.min
    return (above * 255 // (int(limits.max) - int(limits.min))).astype(np.uint8)


def _decode_jpeg(encoded: bytes, smallest: tuple[int, int] | None) -> Pixels:
    """Decode a JPEG; at a reduced scale where it is more than twice as large as the height and width of
    `smallest`."""
    _check_jpeg_header(encoded)
    stored = orientation(encoded)
    height, width = smallest or (0, 0)
    if stored in LYING:
        height, width = width, height
    try:
        pixels = simplejpeg.decode_jpeg(encoded, "RGB", min_height=height, min_width=width, min_factor=2)
    except ValueError as error:
        pixels = _to_rgb(_despite_stray_bytes(encoded, error))
    return np.ascontiguousarray(turned_upright(pixels, stored))


def _stored_jpeg(encoded: bytes) -> NDArray[Any]:
    try:
        return simplejpeg.decode_jpeg(encoded, "GRAY" if _check_jpeg_header(encoded) == "Gray" else "BGR")
    except ValueError as error:
        return _despite_stray_bytes(encoded, error)


def _check_jpeg_header(encoded: bytes) -> str:
    """The colour space of a JPEG that is not too large."""
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(encoded, strict=False)
    except (ValueError, KeyError):  # KeyError: cut off before the colour space is known
        raise DataError("the JPEG header is damaged or cut off") from None
    _check_size(height, width)
    return str(colours)


def _despite_stray_bytes(encoded: bytes, error: ValueError) -> NDArray[Any]:
    """What OpenCV reads of a JPEG with stray bytes; other errors stay errors, and so does a missing end."""
    if STRAY_BYTES not in str(error):
        raise DataError(f"the JPEG is damaged or cut off ({error})") from None
    if not _has_end(encoded):
        raise DataError("the JPEG is cut off")
    return _decode_other(encoded)


def _has_end(encoded: bytes) -> bool:
    """Whether an end follows the first scan of a JPEG; what is missing would silently become grey."""
    position = 2
    while 0 <= (position := encoded.find(b"\xff", position)) <= len(encoded) - 4:
        marker = encoded[position + 1]
        if marker == _START_OF_SCAN:
            return encoded.find(_END, position) >= 0
        position += (
            1 if marker in _WITHOUT_LENGTH else 2 + int.from_bytes(encoded[position + 2 : position + 4])
        )
    return False


def _decode_other(encoded: bytes) -> NDArray[Any]:
    size = _size_in_header(encoded)
    if size is not None:
        _check_size(*size)
    if encoded.startswith(_PNG) and (chunk := damaged_chunk(encoded)):
        raise DataError(f"the PNG is damaged: the checksum of its {chunk} is wrong")
    try:
        pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if _OPENCV_LIMIT in error.err:
            raise DataError(f"its pixels are above the limit of {MAX_PICTURE_PIXELS:,}") from None
        raise DataError(f"the image cannot be decoded: {error.err}") from None
    if pixels is None:
        raise DataError("the image is truncated or of an unknown format")
    _check_size(*pixels.shape[:2])
    if pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4):
        raise DataError(f"{pixels.shape[2]} channels: expected 1, 3 or 4")
    if np.issubdtype(pixels.dtype, np.floating) and not np.isfinite(pixels).any():
        raise DataError("all its pixels are NaN or infinite")
    return pixels


def _to_rgb(pixels: Pixels) -> Pixels:
    """OpenCV's grey, BGR or BGRA as RGB."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
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
    if height * width > MAX_PICTURE_PIXELS:
        raise DataError(f"{height} x {width} pixels are above the limit of {MAX_PICTURE_PIXELS:,}")
