"""The one way to write what a run or a study needs, and the one way to read it back.

A file is there whole or not at all: it is written aside, brought onto the disk, and given its name. What is
read may be damaged in any way: the answer is one error of `raydist.errors` that names the file. What is
written into the copy of a folder of an object store is sent there, see `raydist.object_store`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from raydist.errors import DataError, RaydistError, StorageError
from raydist.json_values import MAPPING, parse_json
from raydist.opening import JSON_BYTES, TEXT_BYTES, open_lock, read_whole
from raydist.places import uri_of

PRIVATE = 0o600
"""Mode of a file that only this user can read."""

SHARED = 0o666
"""Mode of a file that others can read where the umask allows it."""

ABANDONED = 86_400
"""Seconds from which on what is unfinished was left by a process that is gone."""

UNFINISHED = ".part"
"""The end of the name of what is being written; the name begins with a dot."""

_SHORT = 200
"""Bytes of a name that are kept where a longer one is made of it; most file systems allow 255."""

RESTORE = "restore it from a copy, or remove it"


@contextmanager
def whole_file(path: Path, *, mode: int = PRIVATE) -> Iterator[BinaryIO]:
    """A file for what is written piece by piece: at the end of the block it is on the disk and has its name.

    A reader finds the old content or the new, also after a crash. A block that fails leaves the old file.

    Args:
        path: the file, which may be there; its folder is.
        mode: of the file, less what the umask takes.

    Raises:
        StorageError: it cannot be written, for example because the disk is full.
    """
    unfinished = _aside(path)
    try:
        with (
            _storing(path),
            open(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode), "wb") as file,
        ):
            yield file
            _onto_disk(file)
            os.replace(unfinished, path)
            sync_folder(path.parent)
        sent(path)
    finally:
        with contextlib.suppress(OSError):  # else it would stand in the place of the error that counts
            unfinished.unlink()


def write_whole(path: Path, content: str | bytes, *, mode: int = PRIVATE) -> None:
    """Write a file aside, onto the disk, and give it its name: a reader finds the old content or the new.

    Args:
        path: the file, which may be there; its folder is.
        content: of the file; text becomes UTF-8.
        mode: of the file, less what the umask takes; by default only this user can read it.

    Raises:
        StorageError: it cannot be written, or the text has a character that UTF-8 cannot hold.
    """
    with whole_file(path, mode=mode) as file:
        file.write(_as_bytes(path, content))


def write_json(path: Path, content: object, *, mode: int = SHARED) -> None:
    """Write plain values as a JSON file, as `write_whole` does."""
    write_whole(path, json.dumps(content, indent=1) + "\n", mode=mode)


def append_whole(path: Path, content: str | bytes, *, mode: int = SHARED) -> None:
    """Add to the end of a file; it is on the disk when the call returns, and what fails adds nothing.

    Args:
        path: the file; it is made where it is not there.
        content: the addition; a process that is killed while it writes can leave a part of it.
        mode: of a new file, less what the umask takes.

    Raises:
        StorageError: it cannot be written.
    """
    addition, is_new = _as_bytes(path, content), not path.exists()
    with _storing(path), open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, mode), "ab", 0) as file:
        append_to(file, addition)
        if is_new:
            sync_folder(path.parent)
    sent(path)


def append_to(file: BinaryIO, addition: bytes) -> None:
    """Add to the end of a file that is open for appending; see `append_whole`."""
    size = os.fstat(file.fileno()).st_size
    try:
        rest = memoryview(addition)
        while rest:
            rest = rest[os.write(file.fileno(), rest) :]
        os.fsync(file.fileno())
    except BaseException:
        os.ftruncate(file.fileno(), size)
        raise


@contextmanager
def whole_folder(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """A new folder that is filled in the block, then brought onto the disk and given its name.

    Args:
        path: what the folder is called at the end.
        replace: whether it takes the place of one that is there; else it is given up for that one.

    Yields:
        The folder to fill.

    Raises:
        StorageError: it cannot be written.
    """
    unfinished = _aside(path)
    try:
        with _storing(path):
            unfinished.mkdir(parents=True)
            yield unfinished
            for entry in (unfinished, *unfinished.rglob("*")):
                if entry.is_dir():
                    sync_folder(entry)
                elif entry.is_file():
                    with entry.open("rb") as opened:
                        os.fsync(opened.fileno())
            if replace:
                _remove_here(path)
            with contextlib.nullcontext() if replace else _unless_there(path):
                unfinished.rename(path)
            sync_folder(path.parent)
        sent(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder, which a reader finds whole or not at all; nothing happens where there is none.

    Raises:
        StorageError: it is the copy of one in an object store, which refuses it.
    """
    if uri_of(path) is not None:
        from raydist.object_store import withdraw

        withdraw(path)
    _remove_here(path)


def _remove_here(path: Path) -> None:
    removed = _aside(path)
    try:
        path.rename(removed)
    except FileNotFoundError:
        return
    shutil.rmtree(removed, ignore_errors=True)


def remove_unfinished(folder: Path, *, age: float = 0) -> None:
    """Remove what writers have left that were killed.

    Args:
        folder: where they wrote.
        age: seconds, where others may be at work: what is younger stays.
    """
    for left in folder.glob(f".*{UNFINISHED}"):
        with contextlib.suppress(FileNotFoundError):  # its writer was quicker
            if not age or time.time() - left.stat().st_mtime > age:
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder onto the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems sync files only
            os.fsync(handle)
    finally:
        os.close(handle)


def read_bytes(path: Path, *, error: type[RaydistError] = DataError, most: int = TEXT_BYTES) -> bytes:
    """The content of a file.

    Args:
        path: the file.
        error: what is raised.
        most: bytes that it may have.

    Raises:
        RaydistError: as `error`: it is not there, no regular file, too large, or cannot be read.
    """
    try:
        return read_whole(path, most=most)
    except (OSError, ValueError) as refused:
        raise error(f"{path} cannot be read ({getattr(refused, 'strerror', None) or refused})") from None


def read_text(path: Path, *, error: type[RaydistError] = DataError, advice: str = RESTORE) -> str:
    """The text of a file in UTF-8.

    Args:
        path: the file.
        error: what is raised.
        advice: what to do with a file that is damaged.

    Raises:
        RaydistError: as `error`: it cannot be read, or is not UTF-8.
    """
    try:
        return read_bytes(path, error=error).decode("utf-8")
    except UnicodeDecodeError as refused:
        raise error(f"{path} is damaged (byte {refused.start + 1} is not UTF-8): {advice}") from None


def read_json(
    path: Path, schema: Any = MAPPING, *, error: type[RaydistError] = DataError, advice: str = RESTORE
) -> Any:
    """The plain values of a JSON file of a known shape.

    Args:
        path: the file.
        schema: the type that the values must have, see `parse_json`.
        error: what is raised.
        advice: what to do with a file that is damaged.

    Raises:
        RaydistError: as `error`: it cannot be read, is not JSON, or of another shape.
    """
    content = read_bytes(path, error=error, most=JSON_BYTES)
    try:
        return parse_json(content, schema)
    except ValueError as refused:
        raise error(f"{path} is damaged ({refused}): {advice}") from None


def sent(path: Path) -> None:
    """Bring what was written into the object store, where the path is a copy; else nothing happens.

    Raises:
        StorageError: the store refuses it.
    """
    if uri_of(path) is not None:
        from raydist.object_store import send

        send(path)


def make_folder(path: Path) -> Path:
    """Make a folder, and those above it, unless it is there.

    Returns:
        `path`.

    Raises:
        StorageError: it cannot be made.
    """
    with _storing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Wait until no other process is in such a block for the same path.

    The system ends the wait when the other process ends, however. A hidden file beside `path` is what is
    locked; it stays.

    Args:
        path: what is made in the block; folders that it needs are made.

    Raises:
        StorageError: the hidden file cannot be made, or is something else.
    """
    make_folder(path.parent)
    lock = path.parent / f".{_short(path.name)}.lock"
    with _storing(lock):
        file = open_lock(lock)
    with file:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield


@contextmanager
def _storing(path: Path) -> Iterator[None]:
    """Turn what the system says of a file into an error of ours."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}): make room, or check the rights"
        ) from error


@contextmanager
def _unless_there(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError:
        if not path.is_dir():
            raise


def _aside(path: Path) -> Path:
    """A hidden name beside a path, unlike that of any other writer.

    Raises:
        StorageError: the path itself could not be given at the end, as its name is too long.
    """
    with _storing(path), contextlib.suppress(FileNotFoundError):
        os.lstat(path)
    return path.parent / f".{_short(path.name)}.{secrets.token_hex(4)}{UNFINISHED}"


def _short(name: str) -> str:
    """The beginning of a name, so that it can be part of another one: file systems count bytes.

    >>> len(_short("é" * 150)), _short("run")
    (100, 'run')
    """
    return os.fsencode(name)[:_SHORT].decode("utf-8", "ignore")


def _as_bytes(path: Path, content: str | bytes) -> bytes:
    try:
        return content.encode("utf-8") if isinstance(content, str) else content
    except UnicodeEncodeError as error:
        raise StorageError(f"{path} cannot be written: {content[error.start]!r} is no text") from None


def _onto_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
