"""A search space: for each dotted path of the configuration, from which distribution its value is drawn.

A file of `tune_spaces/` reads

    recipes: {hitsz_vcm: cba-hitsz_vcm, buptcampus: cba-buptcampus}
    method.refinement.eta: {uniform: [1, 2.5]}
    buptcampus:
      clustering.eps: {uniform: [0.3, 0.6]}

A path at the top is shared by all data sets of a study. One in the section of a data set belongs to that alone, and takes the
place of a shared one. `recipes` says what each data set starts from: the words that would stand behind `python -m raydist.train`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from raydist.errors import ConfigError
from raydist.registry import nearest
from raydist.yaml_files import read_yaml

SEPARATOR = ":"
"""Between a data set and a path, in the name of a parameter that belongs to one data set."""


@dataclass(frozen=True)
class Kind:
    """A family of distributions.

    Attributes:
        arguments: what is given, for messages.
        accepts: whether the arguments make sense.
        draw: one value.
        probes: values that stand for all when it is checked whether they are legal: both ends, and some in between.
    """

    arguments: str
    accepts: Callable[[list[Any]], bool]
    draw: Callable[[np.random.Generator, list[Any]], Any]
    probes: Callable[[list[Any]], list[Any]]


def _numbers(values: list[Any], *, count: int, whole: bool = False) -> bool:
    """Whether they are so many numbers, the first smaller than the second."""
    allowed = (int,) if whole else (int, float)
    return len(values) == count and all(type(v) in allowed for v in values) and values[0] < values[1]


def _ends_and_between(values: list[Any]) -> list[Any]:
    return [float(values[0]), float(values[1]), float(values[0] + (values[1] - values[0]) / np.pi)]


def _steps(values: list[Any]) -> list[Any]:
    """Low, low + q, ... up to high; whole numbers where low and q are."""
    low, high, q = values
    steps = [low + q * n for n in range(int(np.floor((high - low) / q + 1e-9)) + 1)]
    return [round(step, 12) for step in steps]


KINDS: Mapping[str, Kind] = {
    "uniform": Kind(
        "[low, high]",
        lambda v: _numbers(v, count=2),
        lambda rng, v: float(rng.uniform(*v)),
        _ends_and_between,
    ),
    "loguniform": Kind(
        "[low, high], low > 0",
        lambda v: _numbers(v, count=2) and v[0] > 0,
        lambda rng, v: float(np.clip(np.exp(rng.uniform(*np.log(v))), *v)),
        _ends_and_between,
    ),
    "quniform": Kind(
        "[low, high, step], the step no longer than from low to high",
        lambda v: _numbers(v, count=3) and 0 < v[2] <= v[1] - v[0],
        lambda rng, v: _steps(v)[rng.integers(len(_steps(v)))],
        lambda v: [_steps(v)[0], _steps(v)[-1], _steps(v)[1]],
    ),
    "randint": Kind(
        "[low, high], whole numbers, both may be drawn",
        lambda v: _numbers(v, count=2, whole=True),
        lambda rng, v: int(rng.integers(v[0], v[1], endpoint=True)),
        lambda v: list(v),
    ),
    "choice": Kind(
        "[a, b, ...], two values or more",
        lambda v: len(v) > 1,
        lambda rng, v: v[rng.integers(len(v))],
        lambda v: list(v),
    ),
}


@dataclass(frozen=True)
class Distribution:
    """Where a value is drawn from.

    Attributes:
        kind: of `KINDS`. ``uniform`` and ``loguniform`` draw any number between two, ``quniform`` one of low, low + step, ... up
            to high, ``randint`` a whole number between two, both included, ``choice`` one of the values given.
        values: the bounds, or the values to choose from.
    """

    kind: str
    values: tuple[Any, ...]

    @classmethod
    def parse(cls, raw: Any, *, at: str) -> Distribution:
        """The distribution that a space's file writes as ``{kind: [...]}``.

        Args:
            raw: as read.
            at: the path, for messages.

        Raises:
            ConfigError: unknown kind, or bounds that make no sense.

        >>> Distribution.parse({"uniform": [0.3, 0.6]}, at="clustering.eps")
        Distribution(kind='uniform', values=(0.3, 0.6))
        """
        if not isinstance(raw, Mapping) or len(raw) != 1:
            raise ConfigError(f"{at} = {raw!r}: expected one distribution, such as {{uniform: [0.3, 0.6]}}")
        ((kind, values),) = raw.items()
        if kind not in KINDS:
            raise ConfigError(
                f"{at}: no distribution {kind!r}{nearest(str(kind), KINDS)}; there are: {', '.join(KINDS)}"
            )
        if not isinstance(values, list) or not KINDS[kind].accepts(values):
            raise ConfigError(f"{at}: {kind} {values!r}: expected {KINDS[kind].arguments}")
        return cls(kind, tuple(values))

    def draw(self, rng: np.random.Generator) -> Any:
        """One value, a plain Python one."""
        return KINDS[self.kind].draw(rng, list(self.values))

    @property
    def probes(self) -> list[Any]:
        """Values that must be legal if all are."""
        return KINDS[self.kind].probes(list(self.values))

    @property
    def steps(self) -> list[Any]:
        """The values that there are, for ``quniform`` and ``choice``."""
        return _steps(list(self.values)) if self.kind == "quniform" else list(self.values)

    def __str__(self) -> str:
        return f"{self.kind} {json.dumps(self.values)}"


@dataclass(frozen=True)
class Space:
    """What a study searches.

    Attributes:
        shared: dotted path -> distribution, for all data sets.
        own: data set -> dotted path -> distribution.
        recipes: data set -> words that its configuration starts from.
    """

    shared: Mapping[str, Distribution]
    own: Mapping[str, Mapping[str, Distribution]] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Space:
        """The space of a file that was read.

        Raises:
            ConfigError: a value is not a distribution.
        """
        recipes = raw.get("recipes", {})
        if not isinstance(recipes, Mapping) or not all(isinstance(words, str) for words in recipes.values()):
            raise ConfigError(
                f"recipes = {recipes!r}: expected a recipe for each data set, such as {{synthetic: cba-demo}}"
            )
        shared, own = {}, {}
        for key, value in raw.items():
            if "." in key and SEPARATOR not in key:  # my.module:DATA is a data set
                shared[key] = Distribution.parse(value, at=key)
            elif key != "recipes":
                own[key] = _section(key, value)
        return cls(shared, own, dict(recipes))

    @classmethod
    def read(cls, path: Path) -> Space:
        """The space in a YAML file.

        Raises:
            ConfigError: no such file, or something in it makes no sense.
        """
        try:
            space = cls.parse(read_yaml(path))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
        if not space.shared and not space.own:
            raise ConfigError(
                f"{path} searches nothing: give distributions, such as train.lr: {{loguniform: [1e-4, 1e-2]}}"
            )
        return space

    def parameters(self, data: Collection[str]) -> dict[str, Distribution]:
        """All that is drawn for a trial on the given data sets: path, or ``DATA:path`` for what belongs to one."""
        owners = [name for name in self.own if name in data]
        own = {f"{name}{SEPARATOR}{path}": d for name in owners for path, d in self.own[name].items()}
        unused = {path for path in self.shared if all(path in self.own.get(name, {}) for name in data)}
        return {path: d for path, d in self.shared.items() if path not in unused} | own

    def without(self, paths: Collection[str]) -> Space:
        """The space with some paths taken out, because their value is given."""
        own = {
            name: {p: d for p, d in section.items() if p not in paths} for name, section in self.own.items()
        }
        return Space({p: d for p, d in self.shared.items() if p not in paths}, own, self.recipes)

    def as_dict(self) -> dict[str, Any]:
        """What `parse` reads."""
        own = {
            name: {path: {d.kind: list(d.values)} for path, d in section.items()}
            for name, section in self.own.items()
        }
        return (
            {"recipes": dict(self.recipes)}
            | {path: {d.kind: list(d.values)} for path, d in self.shared.items()}
            | own
        )

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that are equal for equal spaces, whatever the order in their files."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:12]


def draw_sample(parameters: Mapping[str, Distribution], rng: np.random.Generator) -> dict[str, Any]:
    """A value for every parameter, drawn in the order of their names.

    >>> draw_sample({"train.lr": Distribution("choice", (0.1, 0.2))}, np.random.default_rng(0))
    {'train.lr': 0.2}
    """
    return {name: parameters[name].draw(rng) for name in sorted(parameters)}


def values_for(sample: Mapping[str, Any], data: str) -> dict[str, Any]:
    """The values of a sample that one data set's configuration takes: the shared ones, then its own.

    >>> values_for({"train.lr": 0.1, "a:train.lr": 0.2, "b:clustering.eps": 0.5}, "a")
    {'train.lr': 0.2}
    """
    shared = {name: value for name, value in sample.items() if SEPARATOR not in name}
    prefix = f"{data}{SEPARATOR}"
    return shared | {
        name.removeprefix(prefix): value for name, value in sample.items() if name.startswith(prefix)
    }


def changes(old: Space, new: Space) -> list[str]:
    """How two spaces differ, one line for each parameter; for a study that is not gone on with because of it."""
    before, after = _flat(old), _flat(new)
    lines = []
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            lines.append(f"{name}: {before[name]} was taken out")
        elif name not in before:
            lines.append(f"{name}: {after[name]} was added")
        elif before[name] != after[name]:
            lines.append(f"{name}: {before[name]} -> {after[name]}")
    return lines


def _flat(space: Space) -> dict[str, str]:
    sections = {"": space.shared} | {f"{name}{SEPARATOR}": section for name, section in space.own.items()}
    recipes = {f"recipes.{name}": words for name, words in space.recipes.items()}
    return recipes | {
        prefix + path: str(d) for prefix, section in sections.items() for path, d in section.items()
    }


def _section(name: str, value: Any) -> dict[str, Distribution]:
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"{name} = {value!r}: expected a dotted path such as train.{name}, or a section of one data set"
        )
    return {path: Distribution.parse(d, at=f"{name}{SEPARATOR}{path}") for path, d in value.items()}
