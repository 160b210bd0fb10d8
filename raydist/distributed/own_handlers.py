"""SIGINT and SIGTERM stay this process's own while Ray starts or connects.

`ray.init` replaces the handler of SIGTERM by one that ends the process with another code, at its very
beginning.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def own_handlers() -> Iterator[None]:
    """Keep the handlers of both signals in a block, whatever is set there.

    Where a handler raises and the exception is lost, in a callback of a library, it is called once more at
    the end of the block. Outside the main thread, which no signal reaches, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own = {number: signal.getsignal(number) for number in STOPPING}
    came: list[signal.Signals] = []
    set_handler = signal.signal

    def give_back() -> None:
        signal.signal = set_handler
        for number, handler in own.items():
            if handler is not None:  # it was set outside of Python
                set_handler(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        came.append(signal.Signals(number))
        give_back()  # it may set others for what comes then
        _call(own[came[0]], frame, came[0])

    def set_others_only(number: int, handler: Any) -> Any:
        return signal.getsignal(number) if number in STOPPING else set_handler(number, handler)

    for number, handler in own.items():
        if callable(handler):  # else the system's, which ends the process, or none
            set_handler(number, note)
    signal.signal = set_others_only  # type: ignore[assignment]
    try:
        yield
    finally:
        if not came:
            give_back()
    if came:
        _call(own[came[0]], None, came[0])


def _call(handler: Any, frame: FrameType | None, number: signal.Signals) -> None:
    if callable(handler):
        handler(number, frame)
