"""One import at a time: two that write the same crops would delete each other's files."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from raydist.data.importers.cutting import OnProgress
from raydist.data.importers.files import LOCK
from raydist.data.importers.target import ImportResult, Target
from raydist.owner import signed
from raydist.storage import make_folder

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
    """Work on a manifest and its crops as the only process; see `raydist.owner.signed`.

    Raises:
        ConfigError: another import is at work there.
        RaydistError: nothing can be written there.
    """
    made = [folder for folder in (target.root, *target.root.parents) if not folder.exists()]
    try:
        make_folder(target.root)
        with signed(target.root / f".{target.crops.name}{LOCK}", what=f"{target.path}, with its crops,"):
            yield
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()  # those that the import has left empty
