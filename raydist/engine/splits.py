"""A run on every published split of a data set: a folder with an ordinary run for each, and their mean.

config.yaml     the configuration, with data.trial: all
environment.json
summary.json    mean and spread over the splits that are finished
trial_01/ ...   the run on a split, with all that any run has
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raydist.data.datasets.registry import DATASETS
from raydist.engine.changed_keys import is_longer, lasting_values, taken_over
from raydist.engine.earlier import Earlier
from raydist.engine.environment import describe_environment
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config, with_values
from raydist.engine.split_folders import holds_splits, run_name
from raydist.engine.spread import MeanAndSpread
from raydist.engine.start import weights_of_split
from raydist.engine.summary import RunSummary
from raydist.errors import ConfigError
from raydist.places import copy_of, named
from raydist.tracking.tracker import flatten, nested

ENCODERS = ("untrained", "last", "best")

AVERAGED = (
    *ENCODERS,
    "searches",
    "clusters",
    "association",
    "criteria",
    "frames_seen",
    "seconds",
    "frames_per_second",
)
"""The keys of a run's summary that are averaged; all others say what the run was."""


@dataclass(frozen=True)
class SplitsSummary:
    """What the runs on the splits of a data set came to.

    Attributes:
        first: the summary of the first of them, which says of what data, method and protocol all are.
        trials: the splits that are finished, from 1.
        num_trials: how many splits the data set has.
        metrics: path in the summary of a run, such as ``last/infrared_to_visible/map`` -> its mean and
            spread over the splits; of those that all runs have.
    """

    first: RunSummary
    trials: Sequence[int]
    num_trials: int
    metrics: Mapping[str, MeanAndSpread]

    @classmethod
    def of(cls, runs: Mapping[int, RunSummary], num_trials: int) -> SplitsSummary:
        """The summary of some runs, at least one, by their splits."""
        values = [dict(_metrics_of(run)) for run in runs.values()]
        names = [name for name in values[0] if all(name in of_run for of_run in values)]
        metrics = {name: MeanAndSpread.of([of_run[name] for of_run in values]) for name in names}
        return cls(next(iter(runs.values())), sorted(runs), num_trials, metrics)

    def as_dict(self) -> dict[str, Any]:
        """What ``summary.json`` holds: the keys of a run's with means, then ``spread`` and the splits."""
        facts = {key: value for key, value in self.first.as_dict().items() if key not in AVERAGED}
        values = {**facts, **dict.fromkeys(ENCODERS), "clusters": {}, **self.nested_metrics()}
        if self.first.best and values["best"]:
            values["best"] |= {"picked_on": self.first.best.picked_on, "measure": self.first.best.measure}
        return values | {"trials": list(self.trials), "num_trials": self.num_trials}

    @property
    def mean(self) -> RunSummary | None:
        """The means in the form of the summary of one run; None while splits are missing."""
        return RunSummary.from_dict(self.as_dict()) if len(self.trials) == self.num_trials else None

    def nested_metrics(self) -> dict[str, Any]:
        """Means where a run has them, and ``spread`` with the same keys inside."""
        means = {name: one.mean for name, one in self.metrics.items()}
        spreads = {
            f"spread/{name}": one.spread for name, one in self.metrics.items() if one.spread is not None
        }
        return nested(means | spreads)


def _metrics_of(run: RunSummary) -> list[tuple[str, float]]:
    averaged = {key: value for key, value in run.as_dict().items() if key in AVERAGED}
    return [(path, value) for path, value in flatten(averaged) if isinstance(value, int | float)]


@dataclass(frozen=True)
class SplitsFolder:
    """The files of the runs on all splits; made with `create` or found with `open`.

    Attributes:
        path: of the folder.
        config: the configuration of all of them, with ``data.trial: all``.
    """

    path: Path
    config: Config

    @classmethod
    def create(cls, config: Config) -> SplitsFolder:
        """A new folder, named as that of a run is.

        Raises:
            ConfigError: a folder of that name exists.
        """
        stem = f"{config.method.name}-{config.data.name}"
        folder = RunFolder.create(copy_of(config.run.dir), config.run.name, stem)
        folder.write("config.yaml", config.dump())
        folder.write("environment.json", describe_environment())
        return cls(folder.path, config)

    @classmethod
    def open(cls, path: Path, config: Config) -> SplitsFolder:
        """The folder of earlier runs.

        Args:
            path: of the folder.
            config: the configuration to go on with.

        Raises:
            ConfigError: none is there, or the configuration is another one.
        """
        if not holds_splits(path):
            raise ConfigError(f"{named(path)} holds no runs on all splits of a data set (data.trial=all)")
        RunFolder(path).require_same(config)
        return cls(path, config)

    @property
    def whole(self) -> RunFolder:
        """The files that belong to all splits."""
        return RunFolder(self.path)

    def run_folder(self, trial: int) -> RunFolder:
        """The run on a split."""
        return RunFolder(self.path / run_name(trial))

    def config_of(self, trial: int) -> Config:
        """The configuration of the run on a split; of one that has begun its own, but for what may change."""
        if not self.has_begun(trial):
            return self._new_config(trial)
        return taken_over(self.run_folder(trial).config(), self.config)

    def has_begun(self, trial: int) -> bool:
        """Whether there is a run on a split, which has a configuration of its own."""
        return (self.run_folder(trial).path / "config.yaml").is_file()

    def require_runs(self) -> None:
        """Refuse to go on where the run on a split is of another configuration, or has lost its own.

        Raises:
            ConfigError: one line for each key that differs, or the folder.
        """
        for trial in trials_of(self.config):
            folder = self.run_folder(trial)
            if self.has_begun(trial):
                Earlier.open(folder.path).require_config(self._expected(trial))
            elif folder.path.is_dir() and any(folder.path.iterdir()):
                raise ConfigError(
                    f"{folder.path} has files of a run, but no config.yaml: bring it back, or remove the "
                    "folder to have that split trained anew"
                )

    def _new_config(self, trial: int) -> Config:
        run = {"dir": named(self.path), "name": run_name(trial)}
        config = config_of_split(self.config, trial)
        return config.model_copy(update={"run": config.run.model_copy(update=run)})

    def _expected(self, trial: int) -> Config:
        """What a run that has begun should be: with the epoch of other weights, and the ranges, that it
        looked up when it began."""
        own, new = self.run_folder(trial).config(), self._new_config(trial)
        data = new.data.model_copy(update={"range": own.data.range})
        encoder = new.encoder.model_copy(update={"weights": own.encoder.weights})
        return new.model_copy(update={"data": data, "encoder": encoder})

    def summary(self) -> SplitsSummary | None:
        """The mean over the splits that are finished, with as many epochs as are wanted; None while none is.

        Raises:
            CheckpointError: the summary of a run is damaged.
        """
        trials = trials_of(self.config)
        runs = {trial: run for trial in trials if (run := self._finished(trial))}
        return SplitsSummary.of(runs, len(trials)) if runs else None

    def _finished(self, trial: int) -> RunSummary | None:
        summary = self.run_folder(trial).summary()
        if summary is None or not self.has_begun(trial):
            return summary
        # a run that becomes longer loses its summary first, so its configuration is that of the summary
        before = lasting_values(self.run_folder(trial).config())
        return None if is_longer(before, self.config) else summary


def trials_of(config: Config) -> range:
    """The splits of the data set of a configuration."""
    return DATASETS.load(config.data.name).trials


def config_of_split(config: Config, trial: int) -> Config:
    """The configuration of the run on one split of a configuration for all.

    A run on all splits as ``encoder.weights`` is the run on the same split, since the persons of a test are
    trained on in other splits.
    """
    weights = config.encoder.weights
    return with_values(
        config,
        [
            (("data", "trial"), trial),
            (("encoder", "weights"), weights and weights_of_split(weights, run_name(trial))),
        ],
    )
