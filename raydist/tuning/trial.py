"""One trial of a study: its sample and what it reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from raydist.tuning.objectives import mean_over_data
from raydist.tuning.report import TrialReport
from raydist.tuning.space import Sample

TrialState = Literal["running", "stopped", "finished", "failed"]
"""``stopped``: stopped early, since others were better; ``running`` is also a trial that a crash
interrupted."""


@dataclass(frozen=True)
class Trial:
    """A sample, and how far its training came.

    Attributes:
        number: counted from 0.
        sample: parameter -> value.
        state: see `TrialState`.
        reason: why it failed or was stopped.
        epochs: its reports, in order.
    """

    number: int
    sample: Sample
    state: TrialState = "running"
    reason: str = ""
    epochs: tuple[TrialReport, ...] = ()

    def curve(self, metric: str) -> dict[int, float]:
        """Epoch -> the mean of a metric over the data sets, for the epochs in which all have it."""
        means = {report.epoch: mean_over_data(report.values, metric) for report in self.epochs}
        return {epoch: value for epoch, value in means.items() if value is not None}

    def last(self, metric: str) -> float | None:
        """The newest value of a metric, the mean over the data sets."""
        return next(reversed(self.curve(metric).values()), None)

    def last_of(self, data: str, metric: str) -> float | None:
        """The newest value of a metric on one data set."""
        values = (report.values.get(data, {}).get(metric) for report in reversed(self.epochs))
        return next((value for value in values if value is not None), None)

    @property
    def steps(self) -> int:
        """Optimizer steps made."""
        return self.epochs[-1].steps if self.epochs else 0
