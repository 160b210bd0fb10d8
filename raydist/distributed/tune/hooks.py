"""The hooks of a study in Ray Tune: which sample is next, which trials are stopped early, and what is
recorded.

All three start from the study's records, so a study that goes on needs nothing that Ray Tune had kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from ray.tune import Callback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import Searcher

from raydist.distributed.tune.results import TrialFailed, from_result
from raydist.object_store import remove
from raydist.tuning.events import OnStudyEvent, TrialChanged
from raydist.tuning.proposals import propose
from raydist.tuning.study import Study
from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.trackers import StudyTracker
from raydist.tuning.trial import Trial, TrialState
from raydist.tuning.trial_log import TrialLog

REDUCTION = 2
"""Of the trials that come to a rung, one in so many goes on."""

NUM_RUNGS = 8
"""More than any training reaches: each rung is at `REDUCTION` times the epochs of the one before."""


class _NotPickled:
    """Ray Tune pickles its hooks into its own folder, which is never read back here: it gets objects without
    state."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class Proposing(_NotPickled, Searcher):
    """Gives Ray Tune the trials of a study, unfinished ones first.

    Args:
        study: what is searched.
        log: where a trial is noted before it is given.
        waiting: the numbers of the trials that are to be run, in order.
    """

    def __init__(self, study: Study, log: TrialLog, waiting: Sequence[int]) -> None:
        super().__init__()
        self._study, self._log, self._waiting = study, log, list(waiting)

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The number and the sample of the next trial."""
        if not self._waiting:
            return None
        number = self._waiting.pop(0)
        samples = {trial.number: dict(trial.sample) for trial in self._log.trials}
        sample = samples.get(number) or propose(self._study, self._log.trials, number)
        self._log.start(number, sample)
        return {"number": number, "sample": sample}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: proposals are made from the records."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the records have all."""


class Halving(ASHAScheduler):
    """Asynchronous successive halving (Li et al., 2020) that knows the trials of earlier attempts at a study.

    Args:
        trials: as recorded.
        metric: the objective.
        first: the epoch of the first rung.
    """

    def __init__(self, trials: Sequence[Trial], *, metric: str, first: int) -> None:
        super().__init__(
            time_attr="epoch",
            metric=metric,
            mode="max",
            grace_period=first,
            max_t=first * REDUCTION**NUM_RUNGS,
            reduction_factor=REDUCTION,
            stop_last_trials=False,
        )
        self._objective = metric
        self._earlier = {trial.number: trial for trial in trials}
        for trial in trials:
            if trial.state != "running":
                self.on_trial_add(
                    None, SimpleNamespace(trial_id=f"trial {trial.number}", config={"number": trial.number})
                )

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Take a trial in, with all that it reported before."""
        super().on_trial_add(tune_controller, trial)
        if earlier := self._earlier.get(trial.config["number"]):
            for epoch, value in earlier.curve(self._objective).items():
                super().on_trial_result(tune_controller, trial, {"epoch": epoch, self._objective: value})


class Recording(_NotPickled, Callback):
    """Records and announces what becomes of the trials, and deletes the checkpoints of those that ended.

    Args:
        study: what is searched.
        folder: of the study.
        log: its records.
        tracker: its runs in MLflow.
        on_event: called with every change of a trial.
    """

    def __init__(
        self,
        study: Study,
        folder: StudyFolder,
        log: TrialLog,
        *,
        tracker: StudyTracker,
        on_event: OnStudyEvent,
    ) -> None:
        self._study, self._folder, self._log = study, folder, log
        self._tracker, self._on_event = tracker, on_event

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's driver runs."""
        number = trial.config["number"]
        self._tracker.start(number, trial.config["sample"])
        self._announce(number)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A trial came to the end of an epoch, or failed."""
        number, report = trial.config["number"], from_result(result)
        if isinstance(report, TrialFailed):
            self._end(number, "failed", report.reason)
            return
        self._log.epoch(number, report)
        self._tracker.epoch(number, report)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial ended, came to its end or is stopped early."""
        recorded = self._log.trial(trial.config["number"])
        if recorded.state != "running":
            return
        last = recorded.epochs[-1]
        if last.epoch == last.num_epochs:
            self._end(recorded.number, "finished")
        else:
            self._end(recorded.number, "stopped", f"not in the better half after epoch {last.epoch}")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's driver died."""
        number = trial.config["number"]
        if self._log.trial(number).state == "running":
            error = trial.get_error()
            lines = str(error).strip().splitlines() if error else []
            self._end(number, "failed", f"its driver died: {lines[-1] if lines else 'no reason is known'}")

    def _end(self, number: int, state: TrialState, reason: str = "") -> None:
        self._log.end(number, state, reason)
        self._tracker.end(self._log.trial(number))
        remove(self._folder.of_trial(number) / "checkpoints")
        self._announce(number)

    def _announce(self, number: int) -> None:
        """Pass on what is known of a trial."""
        trial, objective = self._log.trial(number), self._study.tune.objective
        last = trial.epochs[-1] if trial.epochs else None
        self._on_event(
            TrialChanged(
                number,
                trial.state,
                trial.reason,
                epoch=last.epoch if last else 0,
                num_epochs=last.num_epochs if last else None,
                objective=objective,
                value=trial.last(objective),
            )
        )
