"""What came of a study: the winner, which parameters mattered, which criteria can be trusted, and what early stopping saved.

Trials that were stopped early are part of it. So that they can be compared with the others, importance and correlation are
taken after the last epoch that all of them have reached (`common_epoch`), not at their ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold

from raydist.engine.criteria import CRITERIA
from raydist.errors import TrainingError
from raydist.tuning.records import Trial
from raydist.tuning.space import Distribution
from raydist.tuning.study import Study
from raydist.types import Doubles

MIN_TRIALS = 8
"""With fewer trials nothing is said of importance."""

MIN_PAIRS = 4
"""With fewer trials nothing is said of correlation."""

FOLDS, TREES, REPEATS = 4, 100, 5


@dataclass(frozen=True)
class Analysis:
    """What `analyse` found.

    Attributes:
        winner: the best of the trials that finished.
        importance: parameter -> rise of the squared error when it is shuffled, as a share of the objective's variance; the most
            important first, empty with few trials.
        correlations: data set -> criterion -> (rank correlation with mAP, number of trials), where there are enough.
        common_epoch: after which importance and correlations are taken; None where no epoch is common.
        saved: share of the steps that early stopping spared.
    """

    winner: Trial
    importance: Mapping[str, float]
    correlations: Mapping[str, Mapping[str, tuple[float, int]]]
    common_epoch: int | None
    saved: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "winner": {"trial": self.winner.number, "sample": dict(self.winner.sample)},
            "importance": dict(self.importance),
            "correlations": {
                data: {name: {"rho": rho, "trials": n} for name, (rho, n) in found.items()}
                for data, found in self.correlations.items()
            },
            "common_epoch": self.common_epoch,
            "steps_saved": self.saved,
        }


def analyse(study: Study, trials: Sequence[Trial]) -> Analysis:
    """All that is said of a study.

    Args:
        study: what was searched.
        trials: as recorded; those that failed or still run count only towards nothing.

    Raises:
        TrainingError: no trial finished.
    """
    objective = study.tune.objective
    judged = [trial for trial in trials if trial.state in ("finished", "stopped") and trial.curve(objective)]
    epoch = common_epoch(judged, objective)
    importance: Mapping[str, float] = {}
    if epoch is not None and len(judged) >= MIN_TRIALS:
        values = np.array([trial.curve(objective)[epoch] for trial in judged])
        importance = importances(
            [trial.sample for trial in judged], values, study.parameters, seed=study.tune.seed
        )
    return Analysis(
        winner(trials, objective),
        importance,
        correlations(judged, list(study.bases)),
        epoch,
        steps_saved(trials),
    )


def winner(trials: Sequence[Trial], objective: str) -> Trial:
    """The finished trial whose objective ended highest, the first of several; its last value, not its best, counts.

    Raises:
        TrainingError: no trial finished.
    """
    ended = [
        (value, trial)
        for trial in trials
        if trial.state == "finished" and (value := trial.last(objective)) is not None
    ]
    if not ended:
        reasons = sorted({trial.reason for trial in trials if trial.reason})
        raise TrainingError(
            f"none of {len(trials)} trials finished with a value of {objective}: {'; '.join(reasons) or 'no reason was given'}"
        )
    return max(ended, key=lambda found: (found[0], -found[1].number))[1]


def common_epoch(trials: Sequence[Trial], measure: str) -> int | None:
    """The last epoch after which every trial has a measure; None where there is none."""
    epochs = [set(trial.curve(measure)) for trial in trials]
    return max(set.intersection(*epochs), default=None) if epochs else None


def importances(
    samples: Sequence[Mapping[str, Any]],
    values: Doubles,
    parameters: Mapping[str, Distribution],
    *,
    seed: int,
) -> dict[str, float]:
    """Permutation importance (Breiman, 2001) of every parameter in a random forest that predicts the objective.

    A forest is fitted to all folds but one; on that one the rise of the squared error is measured when the values of
    one parameter are shuffled. So a parameter that the forest merely learned by heart counts nothing.

    Args:
        samples: of n trials.
        values: float64 [n], the objective of each.
        parameters: the space; loguniform ones are taken as logarithms, choices by their place.
        seed: of the forests and the shuffling.

    Returns:
        Parameter -> mean rise over the folds, as a share of the variance of the values; the largest first, 0 where shuffling
        did not hurt. Empty if all values are equal.
    """
    names, variance = sorted(parameters), float(np.var(values))
    if variance == 0:
        return {}
    table = np.array([[_as_number(sample[name], parameters[name]) for name in names] for sample in samples])
    rises = []
    for train, held in KFold(FOLDS, shuffle=True, random_state=seed).split(table):
        forest = RandomForestRegressor(TREES, random_state=seed).fit(table[train], values[train])
        found = permutation_importance(
            forest,
            table[held],
            values[held],
            scoring="neg_mean_squared_error",
            n_repeats=REPEATS,
            random_state=seed,
        )
        rises.append(found["importances_mean"])
    means = np.maximum(np.mean(rises, axis=0) / variance, 0.0)
    return {names[i]: round(float(means[i]), 4) for i in np.argsort(-means, kind="stable")}


def correlations(trials: Sequence[Trial], data: Sequence[str]) -> dict[str, dict[str, tuple[float, int]]]:
    """Spearman's rank correlation of each criterion with mAP over trials, on each data set, after their common epoch.

    Args:
        trials: those that can be compared.
        data: the data sets.

    Returns:
        Data set -> criterion -> (correlation in [-1, 1], number of trials); left out where trials are few or all equal.
    """
    epoch = common_epoch(trials, "map")
    if epoch is None:
        return {}
    reports = [next(one for one in trial.epochs if one.epoch == epoch) for trial in trials]
    found: dict[str, dict[str, tuple[float, int]]] = {}
    for name in data:
        values = [report.values[name] for report in reports]
        for criterion in CRITERIA:
            pairs = np.array([(one[criterion], one["map"]) for one in values if criterion in one])
            if len(pairs) >= MIN_PAIRS and (np.ptp(pairs, axis=0) > 0).all():
                found.setdefault(name, {})[criterion] = (
                    round(float(spearmanr(*pairs.T).statistic), 4),
                    len(pairs),
                )
    return found


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
    """Steps that a stopped trial would still have made: those of equally long trials after that epoch, else at its own pace.

    The epochs of one stage may have more steps than those of another.
    """
    last = trial.epochs[-1]
    alike = [one for one in finished if one.epochs[-1].of == last.of]
    if not alike:
        return last.steps * (last.of / last.epoch - 1)
    return fmean(one.steps - one.epochs[last.epoch - 1].steps for one in alike)


def _as_number(value: Any, distribution: Distribution) -> float:
    if distribution.kind == "choice":
        return float(distribution.values.index(value))
    return float(np.log(value)) if distribution.kind == "loguniform" else float(value)
