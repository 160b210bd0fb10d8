"""What a reader left out while reading a data set: counts and first examples, for the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from raydist.data.tracklets import TrackletRow, TrackletTable
from raydist.errors import ConfigError, DataError

MISMATCH = "dropped for mismatch"
TOO_SHORT = "dropped for length"
_EXAMPLES = 5


@dataclass
class ReadNotes:
    """What was left out, by reason.

    Attributes:
        mismatch: ``drop`` leaves out a tracklet whose files disagree with each other, ``error`` refuses the
            data set.
        counts: number of cases by reason.
        examples: the first cases by reason.
        remarks: the reasons for which nothing was left out.

    >>> notes = ReadNotes()
    >>> notes.add(TOO_SHORT, "train row 3: 2 frames")
    >>> notes.lines()
    ['dropped for length: 1 (train row 3: 2 frames)']
    """

    mismatch: str = "drop"
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    remarks: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.mismatch not in ("drop", "error"):
            raise ConfigError(f"mismatch {self.mismatch!r}: expected 'drop' or 'error'")

    def add(self, reason: str, example: str) -> None:
        """Count one case; the first ones are also examples."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        if self.counts[reason] <= _EXAMPLES:
            self.examples.setdefault(reason, []).append(example)

    def remark(self, what: str, example: str) -> None:
        """Count one case in which nothing is left out, but which should be known.

        >>> notes = ReadNotes()
        >>> notes.remark("identities written in two ways", "007 and 7")
        >>> notes.left_out(), notes.lines()
        ({}, ['identities written in two ways: 1 (007 and 7)'])
        """
        self.remarks.add(what)
        self.add(what, example)

    def left_out(self) -> dict[str, int]:
        """The counts without remarks."""
        return {reason: count for reason, count in self.counts.items() if reason not in self.remarks}

    def add_mismatch(self, problem: str) -> None:
        """Count a tracklet whose files disagree, or refuse it, as `mismatch` says.

        Raises:
            DataError: `mismatch` is ``error``.
        """
        if self.mismatch == "error":
            raise DataError(f"{problem}; data.mismatch=drop leaves such tracklets out and counts them")
        self.add(MISMATCH, problem)

    def table(self, rows: Sequence[TrackletRow], root: Path) -> TrackletTable:
        """The table of the tracklets that are left.

        Raises:
            DataError: none is left; the message says why.
        """
        if not rows:
            reasons = "; ".join(self.lines()) or "the annotation files list none"
            raise DataError(f"no tracklet of {root} is left: {reasons}")
        return TrackletTable.from_rows(rows, root)

    def to_dict(self) -> dict[str, dict[str, int | list[str]]]:
        """The counts and examples as plain values, for JSON."""
        return {
            reason: {"count": count, "examples": list(self.examples[reason])}
            for reason, count in self.counts.items()
        }

    def lines(self) -> list[str]:
        """One line for each reason, with its count and the first cases."""
        return [
            f"{reason}: {count} ({'; '.join(self.examples[reason])})" for reason, count in self.counts.items()
        ]
