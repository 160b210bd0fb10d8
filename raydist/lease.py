"""Signs of life of who has signed a file, for processes of other hosts, which cannot look for that process.

The owner changes the time of the file every few seconds. Who wants the file watches that time on its own
clock: those of two machines need not agree.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from raydist.repeated import repeated

BEAT_SECONDS = 5.0
"""Between two signs of life."""

LEASE_SECONDS = 60.0
"""How long there may be none: network file systems may show a change late, and processes may be busy."""

_LOOK_SECONDS = 1.0


@contextmanager
def alive(is_ours: Callable[[], bool], touch: Callable[[], None], seconds: float) -> Iterator[None]:
    """Give signs of life in a block.

    A process that was suspended for so long that another one took the file over is interrupted, as by Ctrl-C.

    Args:
        is_ours: whether the file still has this process's name.
        touch: changes the time of the file.
        seconds: between two signs.
    """

    def beat() -> bool:
        if not is_ours():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            return False
        with suppress(OSError):  # a network file system may be away for a while
            touch()
        return True

    with repeated(beat, seconds):
        yield


def gives_signs_of_life(time_of: Callable[[], int | None]) -> bool:
    """Whether the time of a file changes within `LEASE_SECONDS`; not where it is removed.

    Args:
        time_of: gives it; None where there is no such file.
    """
    first, give_up = time_of(), time.monotonic() + LEASE_SECONDS
    while time.monotonic() < give_up:
        time.sleep(_LOOK_SECONDS)
        now = time_of()
        if now != first:
            return now is not None
    return False


def time_of_file(path: Path) -> int | None:
    """When a file was changed last; it is opened, as network file systems may answer from memory else."""
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None
