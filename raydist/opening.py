"""The one way to open a file that someone else may have put there.

A pipe would be waited for without an end, a device has no end, and a huge file leaves no memory: all three
are refused before anything is read, as an `OSError` like that of a file that is missing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, cast

from raydist.errors import StorageError

LINE_BYTES = 64 * 2**10
"""A lock names one process, and a file with an address holds one line."""

JSON_BYTES = 256 * 2**20
"""JSON is held as text and as values at once; the facts of a run are kilobytes, a large state megabytes."""

TEXT_BYTES = 2**31
"""Rows, annotations and tables of text: Arrow takes no more as one piece, and the largest sets have less."""

PICTURE_BYTES = 2**30
"""A frame: the largest that OpenCV decodes (2**30 pixels) are smaller on the disk."""

_NO_LOCK = (errno.EISDIR, errno.EINVAL, errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EFBIG)
"""What the system, or `_check`, says of what is no file, or one of something else."""


def open_file(path: str | Path, *, most: int | None = None) -> BinaryIO:
    """A regular file, open for reading.

    Args:
        path: the file; a symbolic link is followed.
        most: bytes that it may have; None is any number.

    Raises:
        OSError: it is missing, may not be read, is no regular file, or is larger.
        ValueError: the path has a NUL character.
    """
    check_file(path, most=most)  # before it is opened: to open some devices is to use them
    return _checked(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", path, most)


def check_file(path: str | Path, *, most: int | None = None) -> None:
    """Refuse what `open_file` refuses, for readers that open a file by its name."""
    _check(os.stat(path), path, most)


def read_whole(path: str | Path, *, most: int | None) -> bytes:
    """The content of a file; see `open_file`."""
    with open_file(path, most=most) as file:
        return file.read()


def open_lock(path: Path, *, sole: bool = False) -> BinaryIO:
    """A file that processes lock, open for reading and writing; it is made where it is not there.

    Args:
        path: the file; a symbolic link is not followed.
        sole: whether something is to be written into it, so that it may have no second name.

    Raises:
        OSError: it cannot be opened for writing.
        StorageError: it is no file that this package has made.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            _check(facts := os.lstat(path), path, LINE_BYTES)
            if sole and facts.st_nlink > 1:
                raise OSError(errno.EMLINK, "a file with a second name", str(path))
        flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
        return _checked(os.open(path, flags, 0o666), "r+b", path, LINE_BYTES)
    except OSError as error:
        if error.errno not in _NO_LOCK:
            raise
        raise StorageError(
            f"{path} is no lock of raydist ({error.strerror}): look at what it is, and remove it"
        ) from None


def _checked(handle: int, mode: str, path: str | Path, most: int | None) -> BinaryIO:
    """The file of a handle, which is closed where the file is refused."""
    try:
        _check(os.fstat(handle), path, most)
    except BaseException:
        os.close(handle)
        raise
    return cast(BinaryIO, os.fdopen(handle, mode))


def _check(facts: os.stat_result, path: str | Path, most: int | None) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISLNK(facts.st_mode):
        raise OSError(errno.ELOOP, "a symbolic link", str(path))
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    if most is not None and facts.st_size > most:
        raise OSError(
            errno.EFBIG, f"it has {facts.st_size:,} bytes, more than the {most:,} that are read", str(path)
        )
