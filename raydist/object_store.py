"""What goes between folders of an object store and their copies on this machine, see `raydist.places`.

`at_hand` brings a copy up to date, and `raydist.storage` sends on what it writes or removes there, so that
the store has it when the call returns: machines need no common disk. What is hidden, or says who is at work,
is of one machine alone.

An object is there whole or not at all, but nothing can be renamed, and several objects do not come at once:
of a folder its ``manifest.json`` is sent last and removed first.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pyarrow import fs

from raydist.errors import DataError, StorageError
from raydist.places import copy_of, uri_of
from raydist.storage import one_at_a_time

LAST = "manifest.json"
"""The file of a folder that makes it whole."""

OF_THE_MACHINE = "lock.json"
"""A name that is not sent: which process of this machine is at work, see `raydist.owner`."""

_SAME_TIME = 2 * 10**9
"""Nanoseconds in which an object may change again and keep its time, of which stores give whole seconds."""

_ADDRESSES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def at_hand(place: str | Path) -> Path:
    """A place as a path of this machine, its copy brought up to date.

    Raises:
        ConfigError: the address names no bucket.
        DataError: the store cannot be read.
    """
    path = copy_of(place)
    if uri_of(path) is not None:
        with one_at_a_time(path):
            bring(path)
    return path


def bring(path: Path) -> None:
    """Make a copy equal to what is in the store: a file, a folder, or nothing.

    Raises:
        DataError: the store cannot be read.
    """
    store, key = opened(path)
    with reading(path):
        info = store.get_file_info(key)
        if info.type == fs.FileType.File:
            _bring_file(store, info, path)
            return
        files = _files_below(store, key)
    for name, info in files.items():
        with reading(path):
            _bring_file(store, info, path / name)
    for there in sorted(path.rglob("*"), reverse=True):
        name = there.relative_to(path).as_posix()
        if there.is_file() and _is_sent(Path(name)) and name not in files:
            there.unlink()
        elif there.is_dir() and not any(there.iterdir()):
            there.rmdir()


def is_there(path: Path) -> bool:
    """Whether a path is there; a copy is where the store has anything under its address.

    Raises:
        DataError: the store cannot be read.
    """
    if uri_of(path) is None:
        return os.path.lexists(path)
    store, key = opened(path)
    with reading(path):
        is_file = store.get_file_info(key).type == fs.FileType.File
        return is_file or bool(_files_below(store, key))


def send(path: Path) -> None:
    """Bring a file or a folder that was written into the store, where it is in a copy; else nothing happens.

    Raises:
        StorageError: the store refuses it.
    """
    if uri_of(path) is None:
        return
    store, key = opened(path)
    with writing(path):
        if path.is_file():
            _send_file(store, path, key)
            return
        _delete(store, key, (name for name in _files_below(store, key) if not (path / name).is_file()))
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        for file in sorted(files, key=lambda file: file.name == LAST):
            _send_file(store, file, f"{key}/{file.relative_to(path).as_posix()}")


def withdraw(path: Path) -> None:
    """Remove from the store what was removed, where it was in a copy; else nothing happens.

    Raises:
        StorageError: the store refuses it.
    """
    if uri_of(path) is None:
        return
    store, key = opened(path)
    with writing(path):
        if store.get_file_info(key).type == fs.FileType.File:
            store.delete_file(key)
            return
        _delete(store, key, _files_below(store, key))


def empty_copy(path: Path) -> None:
    """Remove a copy of which the store has nothing any more; a path that is no copy stays as it is."""
    if uri_of(path) is not None:
        shutil.rmtree(path, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a folder or a file, and what the store has of it.

    Raises:
        StorageError: the store refuses it.
    """
    withdraw(path)
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_sent(name: Path) -> bool:
    return name.name != OF_THE_MACHINE and not any(part.startswith(".") for part in name.parts)


def opened(path: Path) -> tuple[fs.FileSystem, str]:
    """The store of a copy, and the key there."""
    address = urlsplit(str(uri_of(path)))
    endpoint = next((os.environ[name] for name in _ADDRESSES if os.environ.get(name)), None)
    return _store(address.scheme, endpoint), f"{address.netloc}{address.path}"


@lru_cache
def _store(scheme: str, endpoint: str | None) -> fs.FileSystem:
    """A connection; what logs in is taken from the environment, as the tools of the stores take it."""
    if scheme == "gs":
        return fs.GcsFileSystem()
    return fs.S3FileSystem(endpoint_override=endpoint)


def _files_below(store: fs.FileSystem, key: str) -> Mapping[str, fs.FileInfo]:
    """Name below a key -> what the store says of it, of all files that are sent."""
    entries = store.get_file_info(fs.FileSelector(key, recursive=True, allow_not_found=True))
    files = {entry.path[len(key) + 1 :]: entry for entry in entries if entry.type == fs.FileType.File}
    return {name: entry for name, entry in files.items() if _is_sent(Path(name))}


def _bring_file(store: fs.FileSystem, info: fs.FileInfo, path: Path) -> None:
    """Fetch a file, unless the copy has its size and time; what has just changed is fetched again later."""
    with suppress(FileNotFoundError):
        there = path.stat()
        if (there.st_size, there.st_mtime_ns) == (info.size, info.mtime_ns):
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    with store.open_input_stream(info.path) as source, unfinished.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 22)
    is_sure = time.time_ns() - info.mtime_ns > _SAME_TIME
    os.utime(unfinished, ns=(info.mtime_ns, info.mtime_ns if is_sure else 0))
    os.replace(unfinished, path)


def _send_file(store: fs.FileSystem, path: Path, key: str) -> None:
    """Send a file, and give the copy the time of the object, by which both are known to be equal."""
    if not _is_sent(Path(path.name)):
        return
    with path.open("rb") as source, store.open_output_stream(key) as sink:
        shutil.copyfileobj(source, sink, 1 << 22)
    changed = store.get_file_info(key).mtime_ns
    os.utime(path, ns=(changed, changed))


def _delete(store: fs.FileSystem, key: str, names: Iterable[str]) -> None:
    """Delete files below a key, what makes their folder whole first."""
    for name in sorted(names, key=lambda name: Path(name).name != LAST):
        store.delete_file(f"{key}/{name}")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the store says while it is read into an error of ours."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{uri_of(path)} cannot be read: {_gist(error)}") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """The same while it is written."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{uri_of(path)} cannot be written: {_gist(error)}") from error


def _gist(error: OSError) -> str:
    """What went wrong, and what to do, in a line."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"{text}; check the address (AWS_ENDPOINT_URL for a server of one's own), the bucket, and what logs "
        "in there, on every machine"
    )
