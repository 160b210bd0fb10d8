"""What a trial reports after an epoch; the module imports little, so that small processes can use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MetricsByData = Mapping[str, Mapping[str, float]]
"""Data set -> metric -> value, of one trial after one epoch."""


@dataclass(frozen=True)
class TrialReport:
    """What a trial reported after an epoch.

    Attributes:
        epoch: counted from 1.
        num_epochs: epochs of the whole trial.
        steps: optimizer steps so far, over all data sets.
        values: data set -> metric -> value.
    """

    epoch: int
    num_epochs: int
    steps: int
    values: MetricsByData

    def as_row(self) -> dict[str, Any]:
        """Plain values, as `trials.jsonl` and Ray Tune take them.

        >>> TrialReport(1, 4, 20, {"synthetic": {"map": 5.0}}).as_row()
        {'epoch': 1, 'of': 4, 'steps': 20, 'values': {'synthetic': {'map': 5.0}}}
        """
        return {"epoch": self.epoch, "of": self.num_epochs, "steps": self.steps, "values": self.values}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> TrialReport:
        """The report that `as_row` gave; other keys are ignored."""
        return cls(row["epoch"], row["of"], row["steps"], row["values"])
