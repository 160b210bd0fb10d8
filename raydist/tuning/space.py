"""A search space: for each dotted path of the configuration, from which distribution its value is drawn.

A file of `tune_spaces/` reads

    recipes: {hitsz_vcm: cba-hitsz_vcm, buptcampus: cba-buptcampus}
    method.refinement.eta: {uniform: [1, 2.5]}
    buptcampus:
      clustering.eps: {uniform: [0.3, 0.6]}

A path at the top is shared by all data sets of a study. A path in the section of a data set belongs to that
data set alone, and replaces a shared one. `recipes` says what each data set starts from: the arguments that
would follow `python -m raydist.train`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from raydist.config import require_text
from raydist.errors import ConfigError
from raydist.registry import cut, shortened
from raydist.tuning.distributions import Distribution
from raydist.yaml_files import read_yaml

SEPARATOR = ":"
"""Between a data set and a path, in the name of a parameter that belongs to one data set."""

Sample = Mapping[str, object]
"""Parameter -> its value in one trial."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Space:
    """What a study searches.

    Attributes:
        shared: dotted path -> distribution, for all data sets.
        own: data set -> dotted path -> distribution.
        recipes: data set -> arguments that its configuration starts from.
    """

    shared: Mapping[str, Distribution]
    own: Mapping[str, Mapping[str, Distribution]] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Space:
        """The space of a YAML file that was read.

        Raises:
            ConfigError: a value is not a distribution.
        """
        recipes = raw.get("recipes", {})
        if not isinstance(recipes, Mapping) or not all(
            isinstance(text, str) for pair in recipes.items() for text in pair
        ):
            raise ConfigError(
                f"recipes = {shortened(recipes)}: expected a recipe for each data set, "
                "such as {synthetic: cba-demo}"
            )
        shared, own = {}, {}
        for key, value in raw.items():
            require_text("a key of a space", key)
            if "." in key and SEPARATOR not in key:  # my.module:DATA is a data set
                shared[key] = Distribution.parse(value, at=cut(key))
            elif key != "recipes":
                own[key] = _section(key, value)
        return cls(shared, own, dict(recipes))

    @classmethod
    def read(cls, path: Path) -> Space:
        """The space in a YAML file.

        Raises:
            ConfigError: there is no such file, or something in it is invalid.
        """
        if not path.is_file():
            raise ConfigError(
                f"no configuration file at {path}; the spaces of this package lie in tune_spaces/ of its "
                "repository, and raydist guide searches says how to write one"
            )
        content = read_yaml(path)
        try:
            space = cls.parse(content)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
        if not space.shared and not any(space.own.values()):
            raise ConfigError(
                f"{path} searches nothing: give distributions, such as train.lr: {{loguniform: [1e-4, 1e-2]}}"
            )
        return space

    def parameters(self, data: Collection[str]) -> dict[str, Distribution]:
        """All that is drawn for a trial on some data sets, by path, or by ``DATA:path`` if it belongs to
        one."""
        owners = [name for name in self.own if name in data]
        own = {f"{name}{SEPARATOR}{path}": d for name in owners for path, d in self.own[name].items()}
        unused = {path for path in self.shared if all(path in self.own.get(name, {}) for name in data)}
        return {path: d for path, d in self.shared.items() if path not in unused} | own

    def without(self, paths: Collection[str]) -> Space:
        """The space without some paths, because their value is given."""
        own = {
            name: {p: d for p, d in section.items() if p not in paths} for name, section in self.own.items()
        }
        return Space({p: d for p, d in self.shared.items() if p not in paths}, own, self.recipes)

    def as_dict(self) -> dict[str, Any]:
        """What `parse` reads."""
        own = {name: {path: d.as_dict() for path, d in section.items()} for name, section in self.own.items()}
        shared = {path: d.as_dict() for path, d in self.shared.items()}
        return {"recipes": dict(self.recipes)} | shared | own

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that are equal for equal spaces, whatever the order in their files."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:12]

    def differences(self, other: Space) -> list[str]:
        """How another space differs from this one, one line for each parameter."""
        before, after = _flat(self), _flat(other)
        lines = []
        for name in [*before, *(name for name in after if name not in before)]:
            if name not in after:
                lines.append(f"{name}: {before[name]} was taken out")
            elif name not in before:
                lines.append(f"{name}: {after[name]} was added")
            elif before[name] != after[name]:
                lines.append(f"{name}: {before[name]} -> {after[name]}")
        return lines


def draw_sample(parameters: Mapping[str, Distribution], rng: np.random.Generator) -> Sample:
    """A value for every parameter, drawn in the order of their names.

    >>> draw_sample({"train.lr": Distribution("choice", (0.1, 0.2))}, np.random.default_rng(0))
    {'train.lr': 0.2}
    """
    return {name: parameters[name].draw(rng) for name in sorted(parameters)}


def values_for(by_parameter: Mapping[str, Value], data: str) -> dict[str, Value]:
    """What belongs to one data set, by path: the shared values, then its own.

    Args:
        by_parameter: a sample, or the distributions of a space.
        data: the data set.

    >>> values_for({"train.lr": 0.1, "a:train.lr": 0.2, "b:clustering.eps": 0.5}, "a")
    {'train.lr': 0.2}
    """
    prefix = f"{data}{SEPARATOR}"
    shared = {name: value for name, value in by_parameter.items() if SEPARATOR not in name}
    own = {
        name.removeprefix(prefix): value for name, value in by_parameter.items() if name.startswith(prefix)
    }
    return shared | own


def _flat(space: Space) -> dict[str, str]:
    """Recipes and distributions as text, by the name of the parameter."""
    sections = {"": space.shared} | {f"{name}{SEPARATOR}": section for name, section in space.own.items()}
    recipes = {f"recipes.{name}": words for name, words in space.recipes.items()}
    return recipes | {
        prefix + path: str(d) for prefix, section in sections.items() for path, d in section.items()
    }


def _section(name: str, value: Any) -> dict[str, Distribution]:
    """The section of one data set."""
    at = cut(name)
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"{at} = {shortened(value)}: expected a dotted path such as train.{at}, "
            "or a section of one data set"
        )
    for path in value:
        require_text(f"a key of {at}", path)
    return {path: Distribution.parse(d, at=f"{at}{SEPARATOR}{cut(path)}") for path, d in value.items()}
