"""How much each parameter of a search mattered, by the evaluators of Optuna."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from raydist.tuning.distributions import Distribution
from raydist.tuning.space import Sample
from raydist.types import Doubles

MIN_TRIALS = 8
"""With fewer trials no importance is computed."""


@dataclass(frozen=True)
class Importance:
    """Two answers to what mattered, parameter -> share; both empty where nothing can be said.

    Attributes:
        overall: share of the variance of the objective over the whole space that a parameter explains by
            itself, fANOVA (Hutter, Hoos and Leyton-Brown, 2014); the most important first.
        among_best: how much the best tenth of the trials differ from all others in a parameter, PED-ANOVA
            (Watanabe, Bansal and Hutter, 2023); shares of 1, all 0 where none differs.
    """

    overall: Mapping[str, float] = field(default_factory=dict)
    among_best: Mapping[str, float] = field(default_factory=dict)


def importances(
    samples: Sequence[Sample], values: Doubles, parameters: Mapping[str, Distribution], *, seed: int
) -> Importance:
    """The importance of the parameters for the objective.

    Args:
        samples: of n trials.
        values: float64 [n], the objective of each; more is better.
        parameters: the space; loguniform ones are taken as logarithms.
        seed: of the forest of fANOVA.

    Returns:
        Nothing with fewer than `MIN_TRIALS` trials, or if all values are equal.
    """
    if len(values) < MIN_TRIALS or float(np.var(values)) == 0:
        return Importance()
    import optuna

    optuna.logging.set_verbosity(logging.WARNING)
    distributions = {name: _distribution(parameters[name]) for name in sorted(parameters)}
    study = optuna.create_study(direction="maximize")
    for sample, value in zip(samples, values.tolist(), strict=True):
        params = {name: _number(sample[name], parameters[name]) for name in distributions}
        study.add_trial(
            optuna.trial.create_trial(value=value, params=params, distributions=dict(distributions))
        )
    overall = optuna.importance.FanovaImportanceEvaluator(seed=seed).evaluate(study)
    among_best = optuna.importance.PedAnovaImportanceEvaluator().evaluate(study)
    names = sorted(overall, key=lambda name: (-round(overall[name], 4), name))
    total = sum(among_best.values()) or 1.0
    return Importance(
        {name: round(float(overall[name]), 4) for name in names},
        {name: round(float(among_best[name]) / total, 4) for name in names},
    )


def _distribution(distribution: Distribution) -> Any:
    """The range of `_number` as Optuna's distribution."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if distribution.kind == "choice":
        return CategoricalDistribution(range(len(distribution.values)))
    low, high = (_number(end, distribution) for end in distribution.values[:2])
    return FloatDistribution(low, high)


def _number(value: Any, distribution: Distribution) -> float | int:
    """A value as a number: the logarithm of a loguniform one, the place of a choice."""
    if distribution.kind == "choice":
        return distribution.values.index(value)
    if distribution.kind != "loguniform":
        return float(value)
    low, high = np.log(np.array(distribution.values[:2], float))
    return float(np.clip(np.log(value), low, high))
