"""Files that are there whole or not at all."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from raydist.errors import DataError, RaydistError

P = ParamSpec("P")
R = TypeVar("R")

UNFINISHED = ".part"
"""The end of the name of a file that is being written."""

LOCK = ".lock"
"""The end of the name of the file that excludes other imports, see `raydist.data.importers.lock`."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name first, so that readers see the old file, the new one or none.

    Args:
        path: the file; its folder is made.
        content: what it holds.

    Raises:
        RaydistError: it cannot be written, for example because the disk is full.
    """
    unfinished = path.with_name(f".{path.name}{UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(content)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise RaydistError(f"{path} cannot be written ({error.strerror})") from None


def with_data_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Turn what the operating system says of a file into a `DataError`: no rights, a name too long, ..."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except OSError as error:
            raise DataError(
                f"{error.filename or 'a file'} cannot be read or written ({error.strerror or error}); "
                "check the name and the rights"
            ) from None

    return run


def is_written(path: Path) -> bool:
    """Whether a file is there and not empty."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
