"""The sample of a new trial: random, or from Optuna's tree-structured Parzen estimator (Bergstra et al.,
2011).

Nothing is kept between two proposals: each is a function of the study, its records and the trial's number. So
a study that goes on after a crash needs no state but its records.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from raydist.randomness import stream
from raydist.tuning.distributions import Distribution
from raydist.tuning.space import Sample
from raydist.tuning.study import Study
from raydist.tuning.trial import Trial

NUM_RANDOM = 5
"""With fewer trials to learn from, samples are random whichever search is asked for."""


def propose(study: Study, trials: Sequence[Trial], number: int) -> Sample:
    """The sample of a new trial.

    Args:
        study: what is searched, and how.
        trials: those that started so far, in any state.
        number: of the new trial.

    Returns:
        A value for every parameter.
    """
    comparable = [
        trial
        for trial in trials
        if trial.state in ("finished", "stopped") and trial.curve(study.tune.objective)
    ]
    if study.tune.search == "random" or len(comparable) < NUM_RANDOM:
        return study.sample(number)
    return _by_estimator(study, trials, number)


def _by_estimator(study: Study, trials: Sequence[Trial], number: int) -> Sample:
    """Give a new estimator all earlier trials, and ask it once."""
    import optuna

    optuna.logging.set_verbosity(logging.WARNING)
    seed = int(stream(study.tune.seed, "estimator", number).integers(2**31))
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=0)
    estimator = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = {
        name: optuna_distribution(distribution) for name, distribution in study.parameters.items()
    }
    estimator.add_trials([_optuna_trial(trial, study, distributions) for trial in trials])
    values = estimator.ask(distributions).params
    return {name: _from_optuna(study.parameters[name], value) for name, value in values.items()}


def _optuna_trial(trial: Trial, study: Study, distributions: Mapping[str, Any]) -> Any:
    """A trial as Optuna takes it.

    A running one is included, so that the next goes elsewhere; a failed one counts as the worst.
    """
    import optuna

    states = optuna.trial.TrialState
    curve = {} if trial.state == "failed" else trial.curve(study.tune.objective)
    complete = trial.state == "finished" and bool(curve)
    state = states.COMPLETE if complete else states.RUNNING if trial.state == "running" else states.PRUNED
    return optuna.trial.create_trial(
        state=state,
        value=trial.last(study.tune.objective) if complete else None,
        params={name: _to_optuna(study.parameters[name], value) for name, value in trial.sample.items()},
        distributions=dict(distributions),
        intermediate_values=curve,
    )


def optuna_distribution(distribution: Distribution) -> Any:
    """Optuna's distribution for ours; steps and choices are represented by their index."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    low, high = distribution.values[:2]
    match distribution.kind:
        case "choice":
            return CategoricalDistribution(range(len(distribution.values)))
        case "quniform":
            return IntDistribution(0, len(distribution.steps) - 1)
        case "randint":
            return IntDistribution(low, high)
        case kind:
            return FloatDistribution(low, high, log=kind == "loguniform")


def _to_optuna(distribution: Distribution, value: Any) -> Any:
    """A value of ours as Optuna's distribution represents it."""
    return distribution.steps.index(value) if distribution.kind in ("choice", "quniform") else value


def _from_optuna(distribution: Distribution, value: Any) -> Any:
    """A value of Optuna's distribution as ours."""
    return distribution.steps[value] if distribution.kind in ("choice", "quniform") else value
