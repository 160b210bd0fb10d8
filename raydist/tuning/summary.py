"""What a study came to, as `summary.json` in its folder holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raydist.tuning.analysis import Analysis


@dataclass(frozen=True)
class StudySummary:
    """The result of a study.

    Attributes:
        method: whose hyper-parameters were searched.
        data: the data sets.
        objective: the metric that trials were compared by.
        value: of the winner after its last epoch, the mean over the data sets.
        values: of the winner, for each data set.
        states: state -> number of trials.
        analysis: the winner, and what the hyper-parameters do.
        best: data set -> path of the winner's configuration.
        report: path of the page.
    """

    method: str
    data: Sequence[str]
    objective: str
    value: float | None
    values: Mapping[str, float | None]
    states: Mapping[str, int]
    analysis: Analysis
    best: Mapping[str, str]
    report: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "method": self.method,
            "data": list(self.data),
            "objective": self.objective,
            "value": self.value,
            "values": dict(self.values),
            "trials": dict(self.states),
            **self.analysis.as_dict(),
            "best": dict(self.best),
            "report": self.report,
        }
