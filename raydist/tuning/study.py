"""A study: a search space and the data sets that each sample is tried on, every data set with a configuration of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raydist.config import overrides
from raydist.engine.run_folder import differences
from raydist.engine.schema import Config, TuneSection, anchored, load_config, with_values
from raydist.errors import ConfigError
from raydist.randomness import stream
from raydist.tuning.objectives import check_objective
from raydist.tuning.space import SEPARATOR, Distribution, Space, changes, draw_sample, values_for

DEFAULT_DATA = "synthetic"
HELD_OUT = 0.2
"""Share of the training identities that trials are compared on."""

SEARCHED = ("encoder", "method", "clustering", "train")
"""Sections that a space may reach into."""

ALIKE = ("tune", "ray", "tracking")
"""Sections that are the same for all data sets, since the same workers train on them."""

KEPT = ("objective", "search", "scheduler", "seed")
"""Keys of `tune` that a study keeps when it is gone on with."""


@dataclass(frozen=True)
class Study:
    """What is searched, and where.

    Attributes:
        space: the distributions.
        bases: data set -> its configuration before a sample is laid over it.
    """

    space: Space
    bases: Mapping[str, Config]

    @property
    def tune(self) -> TuneSection:
        """How the search is done, the same for all data sets."""
        return next(iter(self.bases.values())).tune

    @property
    def method(self) -> str:
        """The name of the method."""
        return next(iter(self.bases.values())).method.name

    @property
    def parameters(self) -> dict[str, Distribution]:
        """All that is drawn for a trial."""
        return self.space.parameters(self.bases)

    def sample(self, number: int) -> dict[str, Any]:
        """The random sample of a trial: a function of the study's seed and the trial's number alone."""
        return draw_sample(self.parameters, stream(self.tune.seed, "trial", number))

    def config(self, data: str, sample: Mapping[str, Any]) -> Config:
        """The configuration of a trial on one data set.

        Raises:
            ConfigError: the values do not go together.
        """
        return _with_sample(self.bases[data], values_for(sample, data))

    def differences(self, other: Study) -> list[str]:
        """What another study would do differently, one line each, apart from where, how long and how fast it runs."""
        lines = changes(self.space, other.space)
        before, after = self.tune, other.tune
        lines += [
            f"tune.{key}: {getattr(before, key)} -> {getattr(after, key)}"
            for key in KEPT
            if getattr(before, key) != getattr(after, key)
        ]
        if list(self.bases) != list(other.bases):
            return [*lines, f"data sets: {', '.join(self.bases)} -> {', '.join(other.bases)}"]
        return lines + [
            f"{name}: {line}"
            for name in self.bases
            for line in differences(self.bases[name], other.bases[name])
        ]


def plan_study(space: Space, words: Sequence[str]) -> Study:
    """The study of a space on the data sets that some words name; nothing is run or written.

    Trials are compared on held-out training identities unless the words say otherwise.

    Args:
        space: as in its file.
        words: ``section.key=value``. ``data.name=a,b`` names the data sets; a word with as many values, separated by commas,
            gives each its own. A word whose path the space searches fixes it.

    Raises:
        ConfigError: a data set has no recipe, a word fits none, a path or a bound is not legal, or the objective is refused.
    """
    fixed = [".".join(path) for path, _ in overrides(words)]
    names = _data_sets(words)
    for name in names:
        if name not in space.recipes:
            raise ConfigError(
                f"the space names no recipe for {name}: add one to its recipes; it has {', '.join(space.recipes)}"
            )
    bases = {}
    for name, own in zip(names, spread(words, names), strict=True):
        recipe, *start = space.recipes[name].split()
        bases[name] = load_config(recipe, [*start, *_defaults(fixed), *own])
    study = Study(space.without(fixed), bases)
    _check(study)
    return study


def changed(study: Study, words: Sequence[str]) -> Study:
    """A study with some words laid over its configurations, as when it goes on with more trials or on another cluster.

    Args:
        study: as it was.
        words: ``section.key=value``, as for `plan_study`.

    Raises:
        ConfigError: a path or a value is not legal.
    """
    names = list(study.bases)
    bases = {}
    for name, own in zip(names, spread(words, names), strict=True):
        bases[name] = anchored(with_values(study.bases[name], overrides(own)))
    return Study(study.space, bases)


def spread(words: Sequence[str], names: Sequence[str]) -> list[list[str]]:
    """The words of each data set: a word with a value for each gives every one its own, others are for all.

    Args:
        words: ``section.key=value``, values separated by commas; those with brackets are taken whole.
        names: the data sets, where there are several.

    Raises:
        ConfigError: a word has some other number of values.

    >>> spread(["data.root=A,B", "train.epochs=3"], ["x", "y"])
    [['data.root=A', 'train.epochs=3'], ['data.root=B', 'train.epochs=3']]
    """
    found: list[list[str]] = [[] for _ in names]
    for word in words:
        key, _, value = word.partition("=")
        parts = [value] if len(names) == 1 or set("[{") & set(value) else value.split(",")
        if len(parts) not in (1, len(names)):
            raise ConfigError(
                f"{word}: {len(parts)} values for {len(names)} data sets ({', '.join(names)}): give one, or one for each"
            )
        for own, part in zip(found, parts * (len(names) // len(parts)), strict=True):
            own.append(f"{key}={part}")
    return found


def _with_sample(config: Config, values: Mapping[str, Any]) -> Config:
    return with_values(config, ((tuple(path.split(".")), value) for path, value in values.items()))


def _data_sets(words: Sequence[str]) -> list[str]:
    given = [word.partition("=")[2] for word in words if word.startswith("data.name=")]
    names = given[-1].split(",") if given else [DEFAULT_DATA]
    if len(set(names)) < len(names):
        raise ConfigError(f"data.name = {given[-1]}: a study takes each data set once")
    return names


def _defaults(fixed: Sequence[str]) -> list[str]:
    """Words that hold unless they are given: identities are held out, and the criteria are measured."""
    wanted = {"evaluation.criteria": "true"}
    if "evaluation.split" not in fixed:
        wanted |= {"evaluation.split": "validation", "data.validation_identities": str(HELD_OUT)}
    return [f"{key}={value}" for key, value in wanted.items() if key not in fixed]


def _check(study: Study) -> None:
    """Lay the ends of every distribution over the configurations, so that a search does not fail at its tenth trial."""
    if not study.parameters:
        raise ConfigError(
            "nothing is left to be searched: the words fix every path of the space, or it has none for these data sets"
        )
    for name in study.parameters:
        path = name.rpartition(SEPARATOR)[2]
        if path.partition(".")[0] not in SEARCHED or path == "method.name":
            raise ConfigError(
                f"{path} cannot be searched: a space reaches into {', '.join(SEARCHED)}, and not into method.name"
            )
    first = next(iter(study.bases.values()))
    for data, base in study.bases.items():
        for section in ALIKE:
            if getattr(base, section) != getattr(first, section):
                raise ConfigError(
                    f"{section}.* is the same for all data sets of a study: give each word one value"
                )
        check_objective(base)
        parameters = values_for(study.parameters, data)
        lowest = {path: d.probes[0] for path, d in parameters.items()}
        tries = [lowest] + [
            lowest | {path: probe} for path, d in parameters.items() for probe in d.probes[1:]
        ]
        for values in tries:
            try:
                _with_sample(base, values)
            except ConfigError as error:
                raise ConfigError(f"the space does not fit {data}: {error}") from None
