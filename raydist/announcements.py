"""What is said before work that takes long and is done once, such as drawing or packing frames.

The place that begins such work calls `announce`; whoever has a terminal or a log listens by `listening`. So
the functions in between need no argument for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str], None]
"""Called with each announcement, a few words without a full stop."""


def _no_listener(text: str) -> None:
    """Where no one listens, nothing happens."""


_listener: ContextVar[Listener] = ContextVar("listener", default=_no_listener)


def announce(text: str) -> None:
    """Say what begins now.

    >>> said = []
    >>> with listening(said.append):
    ...     announce("packing 12 frames (once)")
    >>> said
    ['packing 12 frames (once)']
    """
    _listener.get()(text)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call a listener with what is announced in a block, in the place of the one outside it.

    Args:
        listener: called in the thread that announces.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
