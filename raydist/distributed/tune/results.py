"""What a trial reports to Ray Tune, as the plain mapping that it takes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raydist.tuning.objectives import means_over_data
from raydist.tuning.report import TrialReport

FAILED = "failed"
"""The key of why a trial failed."""


@dataclass(frozen=True)
class TrialFailed:
    """A trial came to an end by an error.

    Attributes:
        reason: a line or two.
    """

    reason: str


def to_result(report: TrialReport | TrialFailed) -> dict[str, Any]:
    """The result of a step: the report, every metric as its mean over the data sets, and whether the trial is
    done.

    >>> to_result(TrialFailed("ClusteringError: collapsed"))
    {'failed': 'ClusteringError: collapsed', 'done': True}
    """
    if isinstance(report, TrialFailed):
        return {FAILED: report.reason, "done": True}
    done = report.epoch == report.num_epochs
    return report.as_row() | means_over_data(report.values) | {"done": done}


def from_result(result: Mapping[str, Any]) -> TrialReport | TrialFailed:
    """What was reported."""
    return TrialFailed(result[FAILED]) if FAILED in result else TrialReport.from_row(result)
