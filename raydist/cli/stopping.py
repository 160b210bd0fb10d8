"""How a command is stopped from outside: SIGINT (Ctrl-C) and SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import sys

from raydist.cli.failures import wants_json
from raydist.failures import Failure

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after SIGINT and SIGTERM."""


class Terminated(SystemExit):
    """SIGTERM came."""


def stop_by_signals() -> None:
    """Raise KeyboardInterrupt or `Terminated` at the first signal, so that what was begun is closed.

    A second Ctrl-C ends the process at once: the processes of a local Ray end with it, and files that are
    written as a whole are there or not. SIGTERM that comes again changes nothing, since batch systems send it
    to a process and to its group.
    """
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)


def _interrupt(number: int, frame: object) -> None:
    _only_once()
    raise KeyboardInterrupt


def _terminate(number: int, frame: object) -> None:
    _only_once()
    raise Terminated(TERMINATED)


def _only_once() -> None:
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _ignore)


def _ignore(number: int, frame: object) -> None:
    """Nothing; processes that are started meanwhile still end by the signal, unlike with SIG_IGN."""


def _end(number: int, frame: object) -> None:
    """End without closing anything."""
    message = "interrupted again: ended at once"
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{message}\n".encode())
    if wants_json() and sys.__stdout__:
        os.write(
            sys.__stdout__.fileno(), f"{json.dumps(Failure('interrupted', message).as_dict())}\n".encode()
        )
    os._exit(INTERRUPTED)
