"""The events of a hyper-parameter search, beside those of a training in `raydist.engine.events`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from raydist.tuning.records import TrialState


@dataclass(frozen=True)
class StudyStarted:
    """A study begins, or goes on.

    Attributes:
        folder: of the study.
        mlflow_uri: where it is tracked; None without tracking.
        method: the name of the method.
        data: the data sets.
        num_parameters: parameters that are searched.
        objective: the metric that trials are compared by.
        search: how samples are drawn, ``random`` or ``optuna``.
        scheduler: the rule for early stopping, ``asha`` or ``none``.
        num_ended: trials that ended before.
        num_waiting: trials that are to be run.
        max_concurrent: trials that run at the same time.
    """

    folder: str
    mlflow_uri: str | None
    method: str
    data: Sequence[str]
    num_parameters: int
    objective: str
    search: str
    scheduler: str
    num_ended: int
    num_waiting: int
    max_concurrent: int


@dataclass(frozen=True)
class TrialChanged:
    """A trial started, continued after an interruption, or ended.

    Attributes:
        number: of the trial, from 0.
        state: its new state.
        epoch: the last epoch that it reported; 0 before the first.
        num_epochs: epochs of the whole trial; None before the first report.
        objective: the metric that trials are compared by.
        value: the last value of that metric; None where there is none yet.
        reason: why it failed or was stopped early; otherwise empty.
    """

    number: int
    state: TrialState
    epoch: int
    num_epochs: int | None
    objective: str
    value: float | None
    reason: str = ""


StudyEvent = StudyStarted | TrialChanged
OnStudyEvent = Callable[[StudyEvent], None]
"""Called with every event of a study."""
