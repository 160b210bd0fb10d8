"""Something that is done again and again while a block is worked on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(call: Callable[[], bool], seconds: float) -> Iterator[None]:
    """Call something from a thread of its own in a block, and wait for its last call at the end.

    Args:
        call: gives whether it is called again.
        seconds: before each call.

    >>> called = threading.Event()
    >>> with repeated(lambda: called.set() is None, 0.01):
    ...     called.wait(60)
    True
    """
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(seconds) and call():
            pass

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
