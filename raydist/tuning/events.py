"""The events of a study: frozen values, one class for each kind.

The events of a training are in `raydist.engine.events`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from raydist.engine.schema import TuneSection
from raydist.tuning.trial import TrialState


@dataclass(frozen=True)
class StudyStarted:
    """A study begins, or goes on.

    Attributes:
        folder: of the study.
        mlflow_uri: where it is tracked, or None.
        method: whose hyper-parameters are searched.
        data: the data sets.
        num_parameters: how many hyper-parameters are searched.
        tune: how they are searched.
        num_ended: trials that ended before.
        num_waiting: trials that are to be run.
        at_once: how many of them run at the same time.
    """

    folder: str
    mlflow_uri: str | None
    method: str
    data: Sequence[str]
    num_parameters: int
    tune: TuneSection
    num_ended: int
    num_waiting: int
    at_once: int


@dataclass(frozen=True)
class TrialChanged:
    """A trial started, goes on, or ended.

    Attributes:
        number: of the trial, counted from 0.
        state: what it is now.
        reason: why it failed or was stopped; else empty.
        epoch: its last epoch, 0 before the first.
        num_epochs: epochs of the whole trial; None before the first epoch.
        objective: the metric that trials are compared by.
        value: the newest value of it, or None.
    """

    number: int
    state: TrialState
    reason: str
    epoch: int
    num_epochs: int | None
    objective: str
    value: float | None


StudyEvent = StudyStarted | TrialChanged
OnStudyEvent = Callable[[StudyEvent], None]
"""Called with every event of a study."""
