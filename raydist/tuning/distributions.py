"""The distributions that a hyper-parameter is drawn from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from raydist.errors import ConfigError
from raydist.registry import one_of, shortened

MOST_STEPS = 10_000
"""Values of a ``quniform``."""

LARGEST = 1e100
"""Of the bounds, so that what is computed from them is a number."""

LARGEST_EXACT = 2**53
"""Of bounds that are written as whole numbers where fractions are drawn: a float has each of them exactly."""

LARGEST_WHOLE = 2**62
"""The same for whole numbers."""


@dataclass(frozen=True)
class Kind:
    """A family of distributions.

    Attributes:
        arguments: what must be given, for messages.
        accepts: whether arguments are valid.
        draw: one value.
        probes: values that stand for all when the configuration is checked: both ends, and some in between.
    """

    arguments: str
    accepts: Callable[[list[Any]], bool]
    draw: Callable[[np.random.Generator, list[Any]], Any]
    probes: Callable[[list[Any]], list[Any]]


def _are_numbers(values: list[Any], *, count: int, whole: bool = False) -> bool:
    """Whether these are so many numbers, the first smaller than the second, and not far beyond all use."""
    allowed = (int,) if whole else (int, float)
    largest = {int: LARGEST_WHOLE if whole else LARGEST_EXACT, float: LARGEST}
    return (
        len(values) == count
        and all(type(v) in allowed and abs(v) <= largest[type(v)] for v in values)
        and values[0] < values[1]
    )


def _are_steps(values: list[Any]) -> bool:
    """Whether low, high and step give different values, and not too many of them."""
    return (
        _are_numbers(values, count=3)
        and 0 < values[2] <= values[1] - values[0] <= MOST_STEPS * values[2]
        and len(set(_steps(values))) == len(_steps(values))
    )


def _ends_and_between(values: list[Any]) -> list[Any]:
    return [float(values[0]), float(values[1]), float(values[0] + (values[1] - values[0]) / np.pi)]


def _steps(values: list[Any]) -> list[Any]:
    """Low, low + q, ... up to high, none beyond either; whole numbers where low and q are."""
    low, high, q = values
    steps = [low + q * n for n in range(int(np.floor((high - low) / q + 1e-9)) + 1)]
    return [min(max(round(step, 12), low), high) for step in steps]


KINDS: Mapping[str, Kind] = {
    "uniform": Kind(
        "[low, high], two numbers up to 1e100, whole ones up to 2**53, the lower one first",
        lambda v: _are_numbers(v, count=2),
        lambda rng, v: float(np.clip(rng.uniform(*v), *v)),
        _ends_and_between,
    ),
    "loguniform": Kind(
        "[low, high], low > 0, two numbers up to 1e100, whole ones up to 2**53, the lower one first",
        lambda v: _are_numbers(v, count=2) and v[0] > 0,
        lambda rng, v: float(np.clip(np.exp(rng.uniform(*np.log(v))), *v)),
        _ends_and_between,
    ),
    "quniform": Kind(
        "[low, high, step], whole numbers up to 2**53, the step no longer than from low to high, and 10,000 "
        "different steps at most",
        _are_steps,
        lambda rng, v: _steps(v)[rng.integers(len(_steps(v)))],
        lambda v: [_steps(v)[0], _steps(v)[-1], _steps(v)[1]],
    ),
    "randint": Kind(
        "[low, high], whole numbers up to 2**62, the lower one first; both may be drawn",
        lambda v: _are_numbers(v, count=2, whole=True),
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
    """A distribution with its bounds.

    Attributes:
        kind: of `KINDS`. ``uniform`` and ``loguniform`` draw any number between two, ``quniform`` one of
            low, low + step, ... up to high, ``randint`` a whole number between two, both included, ``choice``
            one of the values given.
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
            ConfigError: unknown kind, or invalid bounds.

        >>> Distribution.parse({"uniform": [0.3, 0.6]}, at="clustering.eps")
        Distribution(kind='uniform', values=(0.3, 0.6))
        """
        if not isinstance(raw, Mapping) or len(raw) != 1:
            raise ConfigError(
                f"{at} = {shortened(raw)}: expected one distribution, such as {{uniform: [0.3, 0.6]}}"
            )
        ((kind, values),) = raw.items()
        if kind not in KINDS:
            raise ConfigError(f"{at}: no distribution {shortened(kind)}{one_of(str(kind), KINDS)}")
        if not isinstance(values, list) or not KINDS[kind].accepts(values):
            raise ConfigError(f"{at}: {kind} {shortened(values)}: expected {KINDS[kind].arguments}")
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
        """The possible values, for ``quniform`` and ``choice``."""
        return _steps(list(self.values)) if self.kind == "quniform" else list(self.values)

    def as_dict(self) -> dict[str, list[Any]]:
        """What `parse` reads."""
        return {self.kind: list(self.values)}

    def __str__(self) -> str:
        return f"{self.kind} {json.dumps(self.values)}"
