"""How the bytes of a frame file are read."""

from __future__ import annotations

from pathlib import Path

from raydist.opening import PICTURE_BYTES, read_whole


def read_frame_file(path: Path) -> bytes:
    """The content of a regular file: a pipe or a device would be waited for without an end.

    Raises:
        OSError: it is missing, may not be read, is no regular file, or is larger than a picture can be.
    """
    return read_whole(path, most=PICTURE_BYTES)
