"""Rows of a feature table as a search takes them, and the checks that every search begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raydist.errors import ConfigError, FeatureError
from raydist.neighbours.search.ranked import LeastSimilarities, NumNeighbours
from raydist.types import Floats, Ints

_LARGEST = 1e30  # the sum of all squares: far from where a float32 product overflows


@dataclass(frozen=True)
class Rows:
    """Rows that are searched, or searched for, with what is known of each.

    Attributes:
        features: float32 [n, D].
        ids: int64 [n], unique and >= 0: what the rows are called in the results; 0..n-1 when None.
        group: int64 [n], cameras or modalities; None when all rows are one group.
        least: how similar a neighbour must be to matter to each row, see `ranked.last_similarities`: less
            similar ones may be left out. None for all.
    """

    features: Floats
    ids: Ints | None = None
    group: Ints | None = None
    least: LeastSimilarities | None = None

    def __len__(self) -> int:
        return len(self.features)

    def take(self, span: slice) -> Rows:
        """Some consecutive rows."""
        least = None if self.least is None else (self.least[0][span], self.least[1][span])
        group = None if self.group is None else self.group[span]
        return Rows(self.features[span], self.row_ids[span], group, least)

    @property
    def row_ids(self) -> Ints:
        """The ids, given or not."""
        return np.arange(len(self)) if self.ids is None else self.ids


def check_search(tables: Mapping[str, Floats], wanted: NumNeighbours) -> None:
    """Refuse what cannot be searched.

    Args:
        tables: float32 [n, D] by their names in messages; one or two.
        wanted: how many neighbours.

    Raises:
        FeatureError: not a float32 matrix, a value is NaN, infinite or huge, or the widths differ.
        ConfigError: a number of neighbours is negative.
    """
    for name, table in tables.items():
        _check_values(name, table)
    widths = {name: table.shape[1] for name, table in tables.items()}
    if len(set(widths.values())) > 1:
        first, second = widths
        raise FeatureError(
            f"{first} are {widths[first]} wide and the {second} {widths[second]}: they must be of one encoder"
        )
    if min(wanted) < 0:
        raise ConfigError(f"k = {min(wanted)}: the number of neighbours must be >= 0")


def _check_values(name: str, table: Floats) -> None:
    if table.ndim != 2 or table.dtype != np.float32:
        raise FeatureError(f"{name} of shape {table.shape} and type {table.dtype}: expected a float32 matrix")
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.vdot(table, table)  # one fast pass; NaN and infinity show in the sum
    if squares < _LARGEST:
        return
    bad = (~np.isfinite(table)).any(axis=1).sum()
    if bad:
        raise FeatureError(f"{name}: {bad} rows hold NaN or infinite values; check what computed them")
    raise FeatureError(f"{name}: a value of {np.abs(table).max():g} is too large; check what computed them")
