"""What a study brings to Ray Tune: which sample comes next, who is stopped early, and what is written down.

All three start from the study's records. So a study that goes on needs nothing that Ray Tune had kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from ray.tune import Callback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import Searcher

from raydist.distributed.driver.group import OnEvent
from raydist.distributed.tune.trial import FAILED
from raydist.tuning.proposals import propose
from raydist.tuning.records import Epoch, State, StudyFolder, Trial, TrialLog
from raydist.tuning.study import Study
from raydist.tuning.trackers import StudyTracker

REDUCTION = 2
"""Of the trials that come to a rung, one in so many goes on."""

NUM_RUNGS = 8
"""More than any training reaches: each rung is at `REDUCTION` times the epochs of the one before."""


class _NotKept:
    """Ray Tune writes what it is given to its own folder, from which nothing is read back here: it gets an empty shell."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class Proposing(_NotKept, Searcher):
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
        """Nothing: all that is known is in the records."""


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
        self._known = {trial.number: trial for trial in trials}
        for trial in trials:
            if trial.state != "running":
                self.on_trial_add(
                    None, SimpleNamespace(trial_id=f"trial {trial.number}", config={"number": trial.number})
                )

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Take a trial in, with all that it reported before."""
        super().on_trial_add(tune_controller, trial)
        if known := self._known.get(trial.config["number"]):
            for epoch, value in known.curve(self._objective).items():
                super().on_trial_result(tune_controller, trial, {"epoch": epoch, self._objective: value})


class Recording(_NotKept, Callback):
    """Writes down what becomes of the trials, tells it, and deletes the checkpoints of those that ended.

    Args:
        study: what is searched.
        folder: of the study.
        log: its records.
        tracker: its runs in MLflow.
        say: told of every change of a trial.
    """

    def __init__(
        self, study: Study, folder: StudyFolder, log: TrialLog, *, tracker: StudyTracker, say: OnEvent
    ) -> None:
        self._study, self._folder, self._log = study, folder, log
        self._tracker, self._say = tracker, say

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's driver runs."""
        number = trial.config["number"]
        self._tracker.start(number, trial.config["sample"])
        self._tell(number)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A trial came to the end of an epoch, or failed."""
        number = trial.config["number"]
        if FAILED in result:
            self._end(number, "failed", result[FAILED])
            return
        report = Epoch(result["epoch"], result["of"], result["steps"], result["values"])
        self._log.epoch(number, report)
        self._tracker.epoch(number, report)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial ended, came to its end or is stopped early."""
        known = self._log.trial(trial.config["number"])
        if known.state != "running":
            return
        last = known.epochs[-1]
        if last.epoch == last.of:
            self._end(known.number, "finished")
        else:
            self._end(known.number, "stopped", f"not in the better half after epoch {last.epoch}")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's driver died."""
        number = trial.config["number"]
        if self._log.trial(number).state == "running":
            error = trial.get_error()
            gist = str(error).strip().splitlines() if error else []
            self._end(number, "failed", f"its driver died: {gist[-1] if gist else 'no reason is known'}")

    def _end(self, number: int, state: State, reason: str = "") -> None:
        self._log.end(number, state, reason)
        self._tracker.end(number, state)
        shutil.rmtree(self._folder.of_trial(number) / "checkpoints", ignore_errors=True)
        self._tell(number)

    def _tell(self, number: int) -> None:
        """What is known of a trial."""
        trial = self._log.trial(number)
        last = trial.epochs[-1] if trial.epochs else None
        self._say(
            {
                "kind": "trial",
                "number": number,
                "state": trial.state,
                "reason": trial.reason,
                "epoch": last.epoch if last else 0,
                "of": last.of if last else None,
                "objective": self._study.tune.objective,
                "value": trial.last(self._study.tune.objective),
            }
        )
