"""The results of a study: the winner, the importance of parameters, trustworthy criteria, and the steps
saved.

Trials that were stopped early are part of it. So that they can be compared with the others, importance and
correlation are computed after the last epoch that all of them have reached (`common_epoch`), not at their
ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from raydist.engine.criteria_names import CRITERIA, WHY_MISSING
from raydist.errors import TrainingError
from raydist.plurals import counted
from raydist.tuning.importance import Importance, importances
from raydist.tuning.study import Study
from raydist.tuning.trial import Trial

MIN_PAIRS = 4
"""With fewer trials no correlation is computed."""


@dataclass(frozen=True)
class Analysis:
    """The results of a study.

    Attributes:
        winner: the best of the trials that finished.
        importance: of the parameters; empty with few trials.
        correlations: data set -> criterion -> (rank correlation with mAP, number of trials), where there are
            enough.
        common_epoch: after which importance and correlations are computed; None where no epoch is common.
        saved: share of the steps that early stopping spared.
    """

    winner: Trial
    importance: Importance
    correlations: Mapping[str, Mapping[str, tuple[float, int]]]
    common_epoch: int | None
    saved: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "winner": {"trial": self.winner.number, "sample": dict(self.winner.sample)},
            "importance": dict(self.importance.overall),
            "importance_among_best": dict(self.importance.among_best),
            "correlations": {
                data: {name: {"rho": rho, "trials": n} for name, (rho, n) in of_data.items()}
                for data, of_data in self.correlations.items()
            },
            "common_epoch": self.common_epoch,
            "steps_saved": self.saved,
        }


def analyse(study: Study, trials: Sequence[Trial]) -> Analysis:
    """Compute the results of a study.

    Args:
        study: what was searched.
        trials: as recorded; those that failed or still run are left out.

    Raises:
        TrainingError: no trial finished.
    """
    objective = study.tune.objective
    compared = [
        trial for trial in trials if trial.state in ("finished", "stopped") and trial.curve(objective)
    ]
    epoch = common_epoch(compared, objective)
    importance = Importance()
    if epoch is not None:
        values = np.array([trial.curve(objective)[epoch] for trial in compared], np.float64)
        importance = importances(
            [trial.sample for trial in compared], values, study.parameters, seed=study.tune.seed
        )
    return Analysis(
        winner(trials, objective),
        importance,
        correlations(compared, list(study.bases)),
        epoch,
        steps_saved(trials),
    )


def winner(trials: Sequence[Trial], objective: str) -> Trial:
    """The finished trial with the highest last value of the objective, the first of several.

    Raises:
        TrainingError: no trial finished with a value; the message says why.
    """
    finished = [
        (value, trial)
        for trial in trials
        if trial.state == "finished" and (value := trial.last(objective)) is not None
    ]
    if not finished:
        reasons = sorted({trial.reason for trial in trials if trial.reason})
        if objective in WHY_MISSING and any(trial.state == "finished" for trial in trials):
            reasons.append(WHY_MISSING[objective])
        raise TrainingError(
            f"none of {counted(len(trials), 'trial')} finished with a value of {objective}: "
            f"{'; '.join(reasons) or 'no reason was given'}"
        )
    return max(finished, key=lambda pair: (pair[0], -pair[1].number))[1]


def common_epoch(trials: Sequence[Trial], metric: str) -> int | None:
    """The last epoch after which every trial has a value of a metric; None if there is none."""
    epochs = [set(trial.curve(metric)) for trial in trials]
    return max(set.intersection(*epochs), default=None) if epochs else None


def correlations(trials: Sequence[Trial], data: Sequence[str]) -> dict[str, dict[str, tuple[float, int]]]:
    """Spearman's rank correlation of each criterion with mAP over trials, for each data set.

    All values are those after the common epoch of the trials.

    Args:
        trials: those that can be compared.
        data: the data sets.

    Returns:
        Data set -> criterion -> (correlation in [-1, 1], number of trials); left out where trials are few or
        all equal.
    """
    epoch = common_epoch(trials, "map")
    if epoch is None:
        return {}
    reports = [next(report for report in trial.epochs if report.epoch == epoch) for trial in trials]
    result: dict[str, dict[str, tuple[float, int]]] = {}
    for name in data:
        metrics = [report.values[name] for report in reports]
        for criterion in CRITERIA:
            pairs = np.array([(one[criterion], one["map"]) for one in metrics if criterion in one])
            if len(pairs) >= MIN_PAIRS and (np.ptp(pairs, axis=0) > 0).all():
                rho = round(float(spearmanr(*pairs.T).statistic), 4)
                result.setdefault(name, {})[criterion] = (rho, len(pairs))
    return result


def steps_saved(trials: Sequence[Trial]) -> float:
    """The share of the full grid's optimizer steps that were not made because trials were stopped early.

    Failed trials count on neither side.

    Args:
        trials: as recorded.

    Returns:
        In [0, 1); 0 where no trial ended.
    """
    finished = [trial for trial in trials if trial.state == "finished"]
    stopped = [trial for trial in trials if trial.state == "stopped" and trial.epochs]
    made = sum(trial.steps for trial in (*finished, *stopped))
    spared = sum(_steps_left(trial, finished) for trial in stopped)
    return round(spared / (made + spared), 4) if made else 0.0


def _steps_left(trial: Trial, finished: Sequence[Trial]) -> float:
    """Steps that a stopped trial would still have made.

    As many as finished trials of equal length made after that epoch, since stages may differ in their steps
    an epoch. Without such a trial its own mean number of steps an epoch is assumed.
    """
    last = trial.epochs[-1]
    same_length = [one for one in finished if one.epochs[-1].num_epochs == last.num_epochs]
    if not same_length:
        return last.steps * (last.num_epochs / last.epoch - 1)
    return fmean(one.steps - one.epochs[last.epoch - 1].steps for one in same_length)
