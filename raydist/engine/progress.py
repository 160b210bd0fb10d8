"""What this process of a run is doing, and whether it gets on.

The engine says so as it works, and whoever watches over the process reads it; so the functions in between
need no argument for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PhaseListener = Callable[[str, int, int | None], None]
"""Called with a phase, what of it is done, and of how much, where that is known."""


def _no_listener(phase: str, done: int, total: int | None) -> None:
    """Where no one listens, nothing happens."""


@dataclass
class Progress:
    """How far a process is.

    Attributes:
        count: grows with everything that is done.
        doing: what is done now, in a few words.
        waits: whether it is no sign of trouble when nothing is done: other processes are waited for, or the
            work is one long piece.
        phase: part of an epoch that this belongs to, see `phase`; empty outside of one.
        listener: called with how far the phase is.
    """

    count: int = 0
    doing: str = "getting ready"
    waits: bool = True
    phase: str = ""
    listener: PhaseListener = _no_listener


PROGRESS = Progress()
"""Of this process."""


def advance(doing: str, done: int = 0, total: int | None = None) -> None:
    """Say what is done now; from here on something has to come of it.

    Args:
        doing: in a few words.
        done: pieces of the phase that are.
        total: of how many; None where that is not known.

    >>> advance("step 3 of 10")
    >>> PROGRESS.doing, PROGRESS.waits
    ('step 3 of 10', False)
    """
    PROGRESS.count, PROGRESS.doing, PROGRESS.waits = PROGRESS.count + 1, doing, False
    if PROGRESS.phase and total is not None:
        PROGRESS.listener(PROGRESS.phase, done, total)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """A part of an epoch that takes long, such as the evaluation, for whoever shows how far a run is.

    >>> PROGRESS.listener = lambda *how_far: print(*how_far)
    >>> with phase("extraction"):
    ...     advance("features of tracklet 3 of 8", 2, 8)
    extraction 0 None
    extraction 2 8
    >>> PROGRESS.listener = _no_listener
    """
    before, PROGRESS.phase = PROGRESS.phase, name
    PROGRESS.listener(name, 0, None)
    try:
        yield
    finally:
        PROGRESS.phase = before
        if before:
            PROGRESS.listener(before, 0, None)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say that a block may take any time: it waits for others, or is one long piece of work.

    >>> with waiting("targets of epoch 2"):
    ...     PROGRESS.waits
    True
    """
    before = PROGRESS.doing, PROGRESS.waits
    PROGRESS.count, PROGRESS.doing, PROGRESS.waits = PROGRESS.count + 1, what, True
    try:
        yield
    finally:
        PROGRESS.count, (PROGRESS.doing, PROGRESS.waits) = PROGRESS.count + 1, before
