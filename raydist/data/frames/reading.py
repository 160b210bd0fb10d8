"""How the bytes of a frame file are read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_frame_file(path: Path) -> bytes:
    """The content of a regular file: a pipe or a device would be waited for without an end.

    Raises:
        OSError: it is missing, may not be read, or is no regular file.
    """
    if not stat.S_ISREG(os.stat(path).st_mode) and not path.is_dir():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path.read_bytes()
