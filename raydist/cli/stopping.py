"""How a command is stopped from outside: SIGINT (Ctrl-C), SIGTERM, and SIGHUP when its terminal closes."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from raydist.cli.failures import wants_json
from raydist.failures import Failure

INTERRUPTED, TERMINATED, HUNG_UP = 130, 143, 129
"""Exit codes after SIGINT, SIGTERM and SIGHUP."""

Advice = Callable[[], str | None]
"""What to do when a command was stopped; None where there is nothing to say."""

_advice: list[Advice] = []


class Terminated(SystemExit):
    """SIGTERM or SIGHUP came; its code says which."""


@contextmanager
def advise_on_stop(advice: Advice) -> Iterator[None]:
    """Say what to do also when a block is ended at once."""
    _advice.append(advice)
    try:
        yield
    finally:
        _advice.pop()


def stop_by_signals() -> None:
    """Raise KeyboardInterrupt or `Terminated` at the first signal, so that what was begun is closed.

    A second Ctrl-C ends the process at once: the processes of a local Ray end with it, and files that are
    written as a whole are there or not. SIGTERM that comes again changes nothing, since batch systems send it
    to a process and to its group.
    """
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # else it is ignored, as `nohup` wants
        signal.signal(signal.SIGHUP, _hang_up)


def _interrupt(number: int, frame: object) -> None:
    _only_once()
    raise KeyboardInterrupt


def _terminate(number: int, frame: object) -> None:
    _only_once()
    raise Terminated(TERMINATED)


def _hang_up(number: int, frame: object) -> None:
    _only_once()
    raise Terminated(HUNG_UP)


def _only_once() -> None:
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _ignore)
    if signal.getsignal(signal.SIGHUP) == _hang_up:
        signal.signal(signal.SIGHUP, _ignore)


def _ignore(number: int, frame: object) -> None:
    """Nothing; processes that are started meanwhile still end by the signal, unlike with SIG_IGN."""


def _end(number: int, frame: object) -> None:
    """End without closing anything."""
    message = "; ".join(["interrupted again: ended at once", *filter(None, (advice() for advice in _advice))])
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{message}\n".encode())
    if wants_json() and sys.__stdout__:
        os.write(
            sys.__stdout__.fileno(), f"{json.dumps(Failure('interrupted', message).as_dict())}\n".encode()
        )
    os._exit(INTERRUPTED)
