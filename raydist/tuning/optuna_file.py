"""A study as Optuna keeps it, in a SQLite file, for its dashboard and whatever else reads its studies."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

from raydist.storage import PRIVATE, write_whole
from raydist.tuning.distributions import Distribution
from raydist.tuning.proposals import optuna_distribution
from raydist.tuning.study import Study
from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.trial import Trial


def write_optuna_file(folder: StudyFolder, file: Path) -> int:
    """Write the trials of a study, in any state, under the name of its folder.

    A stopped trial is a pruned one. The values of a trial on each data set, and the reason why it was stopped
    or failed, are its attributes; its intermediate values are those of the objective by epoch.

    Args:
        folder: of the study, which may be running.
        file: replaced as a whole.

    Returns:
        How many trials it has.

    Raises:
        CheckpointError: a file of the study is damaged.
        StorageError: the file cannot be written.
    """
    import optuna

    optuna.logging.set_verbosity(logging.WARNING)
    study, trials = folder.study(), folder.trials()
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "study.db"
        storage = optuna.storages.RDBStorage(f"sqlite:///{made}")
        copy = optuna.create_study(direction="maximize", storage=storage, study_name=folder.path.name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            copy.set_metric_names([study.tune.objective])
        for name, value in {"method": study.method, "data": list(study.bases)}.items():
            copy.set_user_attr(name, value)
        copy.add_trials([_trial(trial, study) for trial in trials])
        storage.engine.dispose()
        write_whole(file, made.read_bytes(), mode=PRIVATE)
    return len(trials)


def _trial(trial: Trial, study: Study) -> Any:
    import optuna

    states = optuna.trial.TrialState
    by_name = {
        "running": states.RUNNING,
        "stopped": states.PRUNED,
        "failed": states.FAIL,
        "finished": states.COMPLETE,
    }
    last = {data: dict(trial.epochs[-1].values.get(data, {})) for data in study.bases} if trial.epochs else {}
    return optuna.trial.create_trial(
        state=by_name[trial.state],
        value=trial.last(study.tune.objective) if trial.state == "finished" else None,
        params={name: _value(study.parameters[name], value) for name, value in trial.sample.items()},
        distributions={name: _distribution(study.parameters[name]) for name in trial.sample},
        intermediate_values=trial.curve(study.tune.objective),
        user_attrs={"number": trial.number, "reason": trial.reason, **last},
    )


def _distribution(distribution: Distribution) -> Any:
    """What a value was drawn from; of steps that are no round numbers Optuna would make others: a choice."""
    from optuna.distributions import CategoricalDistribution

    if distribution.kind in ("choice", "quniform"):
        return CategoricalDistribution([_value(distribution, value) for value in distribution.steps])
    return optuna_distribution(distribution)


def _value(distribution: Distribution, value: Any) -> Any:
    """A value; a choice that is a list or a mapping is its text, as Optuna knows plain values alone."""
    is_plain = value is None or isinstance(value, bool | int | float | str)
    return value if is_plain or distribution.kind != "choice" else str(value)
