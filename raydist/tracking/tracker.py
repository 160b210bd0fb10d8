"""What a run tells a tracker, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol


class Tracker(Protocol):
    """Takes the reports of a run."""

    def epoch(self, report: Mapping[str, Any]) -> None:
        """Take the report of an epoch; one that is already there is not taken twice."""

    def artifacts(self, folder: Path, names: list[str]) -> None:
        """Take files and folders of the run folder."""

    def finish(self, status: str) -> None:
        """The run is ``FINISHED``, ``FAILED`` or ``KILLED``."""


class NoTracker:
    """A tracker that takes nothing."""

    def epoch(self, report: Mapping[str, Any]) -> None:
        """Nothing."""

    def artifacts(self, folder: Path, names: list[str]) -> None:
        """Nothing."""

    def finish(self, status: str) -> None:
        """Nothing."""


class Ending(Protocol):
    """What is told how it ended."""

    def finish(self, status: str) -> None:
        """It is ``FINISHED``, ``FAILED`` or ``KILLED``."""


@contextmanager
def finishing(tracker: Ending) -> Iterator[None]:
    """Tell a tracker how the block ended: by itself, by an error, or by a signal."""
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        tracker.finish(status)


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of a nested mapping with their paths.

    >>> dict(flatten({"loss": {"visible": 1.5}, "epoch": 2}))
    {'loss/visible': 1.5, 'epoch': 2}
    """
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value
