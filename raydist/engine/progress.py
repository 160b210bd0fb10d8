"""What this process of a run is doing, and whether it gets on.

The engine says so as it works, and whoever watches over the process reads it; so the functions in between
need no argument for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Progress:
    """How far a process is.

    Attributes:
        count: grows with everything that is done.
        doing: what is done now, in a few words.
        waits: whether it is no sign of trouble when nothing is done: other processes are waited for, or the
            work is one long piece.
    """

    count: int = 0
    doing: str = "getting ready"
    waits: bool = True


PROGRESS = Progress()
"""Of this process."""


def advance(doing: str) -> None:
    """Say what is done now; from here on something has to come of it.

    >>> advance("step 3 of 10")
    >>> PROGRESS.doing, PROGRESS.waits
    ('step 3 of 10', False)
    """
    PROGRESS.count, PROGRESS.doing, PROGRESS.waits = PROGRESS.count + 1, doing, False


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
