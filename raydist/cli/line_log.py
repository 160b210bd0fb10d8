"""Every line that a command prints, in the ``log.txt`` of its run too."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from raydist.errors import StorageError
from raydist.redaction import redacted
from raydist.storage import sent


class LineLog:
    """Lines in a file; those from before the file is known come first."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._before: list[str] = []

    def attach(self, file: Path) -> None:
        """Write to this file from now on, and what was printed since the last one."""
        self._file, before, self._before = file, self._before, []
        self._append("".join(before))

    def add(self, text: str) -> None:
        """Add what was printed."""
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} command {redacted(text.rstrip())}\n"
        if self._file is None:
            self._before.append(line)
        else:
            self._append(line)

    def _append(self, text: str) -> None:
        assert self._file is not None
        with contextlib.suppress(OSError, StorageError):  # what has to be written reports a full disk
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(text)
            sent(self._file)


_log: ContextVar[LineLog | None] = ContextVar("line_log", default=None)


@contextmanager
def keeping_lines() -> Iterator[None]:
    """Take up what is printed in a block."""
    token = _log.set(LineLog())
    try:
        yield
    finally:
        _log.reset(token)


def log_line(text: str) -> None:
    """Note what was printed, where a command keeps it."""
    if (log := _log.get()) is not None:
        log.add(text)


def log_to(file: Path) -> None:
    """The run whose log it is is known now."""
    if (log := _log.get()) is not None:
        log.attach(file)
