"""A start of Ray that is cut short leaves no process behind.

The agents of a node watch their raylet only once they have begun, and live up to a minute after it has gone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

MARK = "RAYDIST_START"
"""The environment variable by which the processes of a start are known, whoever their parent is by now."""


@contextmanager
def whole_start(shut_down: Callable[[], None]) -> Iterator[None]:
    """Shut down and kill what a block has started, where an exception leaves it."""
    start = os.environ[MARK] = secrets.token_hex(8)
    try:
        yield
    except BaseException:
        shut_down()  # a driver that is still connected aborts when its raylet is killed
        _kill(start)
        raise
    finally:
        del os.environ[MARK]


def _kill(start: str) -> None:
    """Kill the processes of a start, until there are none: the first may have started others meanwhile."""
    while processes := [process for process in psutil.process_iter() if _is_of(process, start)]:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes)


def _is_of(process: psutil.Process, start: str) -> bool:
    with suppress(psutil.Error):  # it has ended, or is another user's
        return process.environ().get(MARK) == start
    return False
