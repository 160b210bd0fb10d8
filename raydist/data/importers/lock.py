"""One import at a time: two that write the same crops would delete each other's files."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from raydist.data.importers.cutting import OnProgress
from raydist.data.importers.files import LOCK
from raydist.data.importers.target import ImportResult, Target
from raydist.errors import ConfigError, RaydistError

Request = TypeVar("Request")
Import = Callable[[Request, Target, OnProgress], ImportResult]


def one_at_a_time(function: Import[Request]) -> Import[Request]:
    """Refuse an import while another one, of any kind or format, writes the same manifest or crops."""

    @functools.wraps(function)
    def run(request: Request, target: Target, on_progress: OnProgress) -> ImportResult:
        with locked(target):
            return function(request, target, on_progress)

    return run


@contextmanager
def locked(target: Target) -> Iterator[None]:
    """Hold the lock of a manifest and of its crops; the system releases it when the process ends, however.

    Raises:
        ConfigError: another import holds it.
        RaydistError: nothing can be written there.
    """
    path = target.root / f".{target.crops.name}{LOCK}"
    made = [folder for folder in (target.root, *target.root.parents) if not folder.exists()]
    try:
        with _open(path) as file:
            _lock(file.fileno(), path, target)
            try:
                yield
            finally:
                path.unlink(missing_ok=True)  # before it is released: no one else holds it
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()  # those that the import has left empty


def _open(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as error:
        raise RaydistError(f"{path.parent} cannot be written ({error.strerror})") from None


def _lock(handle: int, path: Path, target: Target) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            return
    except BlockingIOError:
        pass
    raise ConfigError(
        f"another import is writing {target.path} or its crops: wait for its end, or give another --out"
    ) from None
