"""The interface of a tracker, which takes the metrics and files of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Facts:
    """What holds for a run as a whole, beside its epochs.

    Attributes:
        tags: name -> text.
        metrics: name -> number, without an epoch.
        texts: name of a file -> its content.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DataFacts:
    """The data of a run.

    Attributes:
        name: of the data set.
        digest: of its tracklets and frames.
        root: its folder, or the preset that was drawn.
        tracklets: ``visible`` and ``infrared`` ones to train on, ``ranked`` ones.
    """

    name: str
    digest: str
    root: str
    tracklets: Mapping[str, int]


class Tracker(Protocol):
    """Takes the metrics and files of a run."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Log the row of an epoch, as in `metrics.jsonl`; an epoch that is already logged is ignored."""

    def facts(self, facts: Facts) -> None:
        """Log what holds for the run as a whole; what is logged again replaces what was there."""

    def artifacts(self, folder: Path, names: list[str]) -> None:
        """Log files and folders of the run folder.

        Args:
            folder: of the run.
            names: in the folder; those that do not exist are left out.
        """

    def finish(self, status: str) -> None:
        """Log that the run ended as ``FINISHED``, ``FAILED`` or ``KILLED``."""


class NoTracker:
    """A tracker that ignores everything."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Nothing."""

    def facts(self, facts: Facts) -> None:
        """Nothing."""

    def artifacts(self, folder: Path, names: list[str]) -> None:
        """Nothing."""

    def finish(self, status: str) -> None:
        """Nothing."""


class Finishable(Protocol):
    """Something with a status at its end, such as a `Tracker`."""

    def finish(self, status: str) -> None:
        """It ended as ``FINISHED``, ``FAILED`` or ``KILLED``."""


@contextmanager
def finishing(tracker: Finishable) -> Iterator[None]:
    """Give a tracker the status of the block at its end: finished, failed by an error, or killed by a
    signal."""
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


def nested(values: Mapping[str, float]) -> dict[str, Any]:
    """Values by path as nested mappings: what `flatten` was given.

    >>> nested({"last/map": 1.0, "last/rank1": 2.0, "seconds": 3.0})
    {'last': {'map': 1.0, 'rank1': 2.0}, 'seconds': 3.0}
    """
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *above, name = path.split("/")
        place = tree
        for key in above:
            place = place.setdefault(key, {})
        place[name] = value
    return tree
