"""The progress of work on pictures: a bar for each part on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from raydist.cli.common import print_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SECONDS_BETWEEN_LINES = 10.0


class PictureProgress:
    """Shows how many pictures of each part are done, such as those of a sequence that is imported.

    Args:
        what: is counted.
    """

    def __init__(self, what: str = "pictures") -> None:
        self._what = what
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._last_line = time.monotonic()

    def __enter__(self) -> PictureProgress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, name: str, done: int, total: int) -> None:
        """Show one step.

        Args:
            name: of the part.
            done: its pictures that are.
            total: of how many.
        """
        if self._bar:
            if name not in self._tasks:
                self._tasks[name] = self._bar.add_task(f"{name}, {self._what}", total=total)
            self._bar.update(self._tasks[name], completed=done)
            return
        now = time.monotonic()
        if done == total or now - self._last_line >= SECONDS_BETWEEN_LINES:
            print_line(f"{name}: {done:,} of {total:,} {self._what}")
            self._last_line = now
