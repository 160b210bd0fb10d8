"""The chunks of a PNG file, whose checksums say whether the file is whole; libpng would write to stderr."""

from __future__ import annotations

import struct
import zlib

_SIGNATURE_BYTES = 8
_AROUND = 12
"""Bytes of a chunk beside its content: the length and the type before it, the checksum behind it."""

_OF_THE_PICTURE = (b"IHDR", b"PLTE", b"IDAT")


def damaged_chunk(encoded: bytes) -> str | None:
    """The type of the first chunk of the picture whose checksum is wrong.

    Args:
        encoded: content of a PNG file.

    Returns:
        ``IHDR``, ``PLTE`` or ``IDAT``; None where all that are complete are whole.
    """
    position, view = _SIGNATURE_BYTES, memoryview(encoded)
    while position + _AROUND <= len(encoded):
        (length,) = struct.unpack_from(">I", encoded, position)
        end = position + 8 + length
        if end + 4 > len(encoded):
            return None
        kind = encoded[position + 4 : position + 8]
        if kind in _OF_THE_PICTURE:
            (stated,) = struct.unpack_from(">I", encoded, end)
            if zlib.crc32(view[position + 4 : end]) != stated:
                return kind.decode()
        position = end + 4
    return None
