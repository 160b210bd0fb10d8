"""A study: a search space and the data sets that each sample is tried on, each with its own configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from raydist.config import overrides, path_of_today
from raydist.engine.changed_keys import differences
from raydist.engine.schema import Config, TuneSection, anchored, load_config, with_values
from raydist.engine.start import fix_starts
from raydist.engine.verdict import VALIDATION_SHARE
from raydist.errors import ConfigError
from raydist.on_resume import OnResume
from raydist.randomness import stream
from raydist.tuning.distributions import Distribution
from raydist.tuning.objectives import check_objective
from raydist.tuning.space import SEPARATOR, Sample, Space, draw_sample, values_for

DEFAULT_DATA = "synthetic"
SEARCHABLE_SECTIONS = ("encoder", "method", "clustering", "train")
"""Sections that a space may reach into."""

COMMON_SECTIONS = ("tune", "ray", "tracking")
"""Sections that are the same for all data sets, since the same workers train on them."""

FIXED_KEYS = ("objective", "search", "scheduler", "seed")
"""Keys of `tune` that do not change when a study goes on."""


@dataclass(frozen=True)
class Study:
    """What is searched, and on which data.

    Attributes:
        space: the distributions.
        bases: data set -> its configuration before a sample is laid over it.
    """

    space: Space
    bases: Mapping[str, Config]

    @property
    def base(self) -> Config:
        """The configuration of the first data set; `COMMON_SECTIONS` and the method are the same in all."""
        return next(iter(self.bases.values()))

    @property
    def tune(self) -> TuneSection:
        """How the search is done, the same for all data sets."""
        return self.base.tune

    @property
    def method(self) -> str:
        """The name of the method."""
        return self.base.method.name

    @property
    def parameters(self) -> dict[str, Distribution]:
        """All that is drawn for a trial."""
        return self.space.parameters(self.bases)

    def sample(self, number: int) -> Sample:
        """The random sample of a trial: a function of the study's seed and the trial's number alone."""
        return draw_sample(self.parameters, stream(self.tune.seed, "trial", number))

    def config(self, data: str, sample: Sample) -> Config:
        """The configuration of a trial on one data set.

        Raises:
            ConfigError: the values do not fit together.
        """
        return _with_paths(self.bases[data], values_for(sample, data))

    def with_fixed_starts(self) -> Study:
        """The same study, whose trials all start from one epoch where they start from another run.

        Raises:
            ConfigError: see `raydist.engine.start.fix_starts`.
            DataError: see there.
        """
        return Study(self.space, dict(zip(self.bases, fix_starts(self.bases.values()), strict=True)))

    def differences(self, other: Study) -> list[str]:
        """What another study would do differently, one line each.

        Where, how long and how fast it runs may differ.
        """
        lines = self.space.differences(other.space)
        before, after = self.tune, other.tune
        lines += [
            f"tune.{key}: {getattr(before, key)} -> {getattr(after, key)}"
            for key in FIXED_KEYS
            if getattr(before, key) != getattr(after, key)
        ]
        if list(self.bases) != list(other.bases):
            return [*lines, f"data sets: {', '.join(self.bases)} -> {', '.join(other.bases)}"]
        return lines + [
            f"{name}: {line}"
            for name in self.bases
            for line in differences(self.bases[name], other.bases[name], [OnResume.FREE])
        ]


def make_study(space: Space, arguments: Sequence[str]) -> Study:
    """The study of a space on the data sets that the arguments name; nothing is run or written.

    Trials are compared on held-out training identities unless the arguments say otherwise.

    Args:
        space: as in its file.
        arguments: ``section.key=value``. ``data.name=a,b`` names the data sets; an argument with as many
            values, separated by commas, gives each its own. An argument whose path the space searches fixes
            its value.

    Raises:
        ConfigError: a data set has no recipe, an argument fits none, a path or a bound is not legal, or the
            objective is refused.
    """
    fixed = [".".join(path) for path, _ in overrides(arguments)]
    names = _data_sets(arguments)
    for name in names:
        if name not in space.recipes:
            raise ConfigError(
                f"the space names no recipe for {name}: add one to its recipes; "
                f"it has {', '.join(space.recipes) or 'none'}"
            )
    bases = {}
    for name, own in zip(names, arguments_by_data(arguments, names), strict=True):
        recipe, *start = space.recipes[name].split()
        bases[name] = load_config(recipe, [*start, *_defaults(fixed), *own])
    study = Study(space.without(_spellings(fixed, space, bases[names[0]])), bases)
    _check(study)
    return study


def _spellings(fixed: Sequence[str], space: Space, config: Config) -> list[str]:
    """The paths of a space whose values are given, under whatever name: that of today or of the version
    before."""
    of_today = {_of_today(path, config) for path in fixed}
    paths = [*space.shared, *(path for section in space.own.values() for path in section)]
    return [path for path in paths if _of_today(path, config) in of_today]


def _of_today(path: str, config: Config) -> str:
    section, *keys = path.split(".")
    if section == "method":
        return ".".join((section, *path_of_today(type(config.method), keys)))
    return ".".join(path_of_today(Config, (section, *keys)))


def with_overrides(study: Study, arguments: Sequence[str]) -> Study:
    """A study with overrides in its configurations, to go on with more trials or on another cluster.

    Args:
        study: as it was.
        arguments: ``section.key=value``, as for `make_study`.

    Raises:
        ConfigError: a path or a value is not legal.
    """
    names = list(study.bases)
    bases = {}
    for name, own in zip(names, arguments_by_data(arguments, names), strict=True):
        bases[name] = anchored(with_values(study.bases[name], overrides(own)))
    return Study(study.space, bases)


def arguments_by_data(arguments: Sequence[str], names: Sequence[str]) -> list[list[str]]:
    """The arguments of each data set.

    An argument with one value for each gives every data set its own; others are for all.

    Args:
        arguments: ``section.key=value``, values separated by commas; those with brackets are taken whole.
        names: the data sets.

    Raises:
        ConfigError: an argument has some other number of values.

    >>> arguments_by_data(["data.root=A,B", "train.epochs=3"], ["x", "y"])
    [['data.root=A', 'train.epochs=3'], ['data.root=B', 'train.epochs=3']]
    """
    by_data: list[list[str]] = [[] for _ in names]
    for argument in arguments:
        key, _, value = argument.partition("=")
        parts = [value] if len(names) == 1 or set("[{") & set(value) else value.split(",")
        if len(parts) not in (1, len(names)):
            raise ConfigError(
                f"{argument}: {len(parts)} values for {len(names)} data sets ({', '.join(names)}): "
                "give one, or one for each"
            )
        for own, part in zip(by_data, parts * (len(names) // len(parts)), strict=True):
            own.append(f"{key}={part}")
    return by_data


def _with_paths(config: Config, values: Mapping[str, object]) -> Config:
    """A configuration with the values of dotted paths."""
    return with_values(config, ((tuple(path.split(".")), value) for path, value in values.items()))


def _data_sets(arguments: Sequence[str]) -> list[str]:
    given = [argument.partition("=")[2] for argument in arguments if argument.startswith("data.name=")]
    names = given[-1].split(",") if given else [DEFAULT_DATA]
    if len(set(names)) < len(names):
        raise ConfigError(f"data.name = {given[-1]}: a study takes each data set once")
    return names


def _defaults(fixed: Sequence[str]) -> list[str]:
    """Arguments that apply unless others are given: hold identities out, and compute the criteria."""
    defaults = {"evaluation.criteria": "true"}
    if "evaluation.split" not in fixed:
        defaults |= {"evaluation.split": "validation", "data.validation_identities": str(VALIDATION_SHARE)}
    return [f"{key}={value}" for key, value in defaults.items() if key not in fixed]


def _check(study: Study) -> None:
    """Refuse a study whose paths, sections, objective or bounds are not legal.

    The ends of every distribution are laid over the configurations, so that a search does not fail at its
    tenth trial.
    """
    _check_paths(study.parameters)
    for data, base in study.bases.items():
        for section in COMMON_SECTIONS:
            if getattr(base, section) != getattr(study.base, section):
                raise ConfigError(
                    f"{section}.* is the same for all data sets of a study: give each word one value"
                )
        check_objective(base)
        for values in _probes(values_for(study.parameters, data)):
            try:
                _with_paths(base, values)
            except ConfigError as error:
                raise ConfigError(f"the space does not fit {data}: {error}") from None


def _check_paths(parameters: Mapping[str, Distribution]) -> None:
    if not parameters:
        raise ConfigError(
            "nothing is left to be searched: the words fix every path of the space, "
            "or it has none for these data sets"
        )
    for name in parameters:
        path = name.rpartition(SEPARATOR)[2]
        if path.partition(".")[0] not in SEARCHABLE_SECTIONS or path == "method.name":
            raise ConfigError(
                f"{path} cannot be searched: a space reaches into {', '.join(SEARCHABLE_SECTIONS)}, "
                "and not into method.name"
            )


def _probes(parameters: Mapping[str, Distribution]) -> list[dict[str, object]]:
    """Values for all paths: the first probe of each, and then every other probe of one path at a time."""
    first = {path: distribution.probes[0] for path, distribution in parameters.items()}
    others = [
        first | {path: probe}
        for path, distribution in parameters.items()
        for probe in distribution.probes[1:]
    ]
    return [first, *others]
