"""The ranked lists of rows, and the neighbours that query expansion averages over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.neighbours.search.ranked import PADDING
from raydist.types import Doubles, Floats, Ints

NeighbourIds = NDArray[np.int32]
"""int32 [r, K], neighbour ids, padded with -1."""


@dataclass(frozen=True)
class RankedLists:
    """The ranked lists of r rows, and their expansion neighbours with weights.

    Attributes:
        ids: int32 [r, K], the row itself, then the neighbours that may be reciprocal, best first; padded with
            -1. By the dot product of features of any length, a row need not come first.
        similarities: float32 [r, K], rounded once from the exact dot product; 1 for the row itself if
            features are of unit length, -inf in padding.
        split: columns from this one on are a second list, of the neighbours across; K or more where there is
            one list.
        expansion_ids: int32 [r, K2], the expansion neighbours; padded with -1.
        expansion_weights: float64 [r, K2], their weights; each row sums to 1, padding has 0.
    """

    ids: NeighbourIds
    similarities: Floats
    split: int
    expansion_ids: NeighbourIds
    expansion_weights: Doubles

    @staticmethod
    def join(parts: Sequence[RankedLists]) -> RankedLists:
        """The lists of all rows, out of those of consecutive slabs."""
        if len(parts) == 1:
            return parts[0]
        columns = {
            name: [getattr(part, name) for part in parts]
            for name in ("ids", "similarities", "expansion_ids", "expansion_weights")
        }
        return RankedLists(
            split=parts[0].split, **{name: np.concatenate(column) for name, column in columns.items()}
        )

    def renumbered(self, order: Ints) -> RankedLists:
        """The lists of all rows when row ``order[r]`` gets the number r, for every r."""
        number = np.empty(len(order) + 1, np.int32)
        number[order] = np.arange(len(order))
        number[-1] = PADDING  # the id -1 reads the last place, so padding stays padding
        return RankedLists(
            number[self.ids[order]],
            self.similarities[order],
            self.split,
            number[self.expansion_ids[order]],
            self.expansion_weights[order],
        )

    def for_expansion(self) -> RankedLists:
        """The expansion neighbours and weights alone, which is all that query expansion needs."""
        empty = np.empty((len(self.ids), 0))
        return RankedLists(
            empty.astype(np.int32), empty.astype(np.float32), 0, self.expansion_ids, self.expansion_weights
        )


def side_by_side(*columns: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Columns of several tables [r, K_s] as one table of the given type."""
    return np.concatenate(columns, axis=1, dtype=dtype, casting="same_kind")


def equal_weights(neighbours: NDArray[Any]) -> Doubles:
    """One weight for all neighbours of a row.

    Args:
        neighbours: ids [r, K], padded with -1; at least one neighbour in every row.

    Returns:
        float64 [r, K]; each row sums to 1, padding has 0.

    >>> equal_weights(np.array([[4, 7], [2, -1]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    present = neighbours != PADDING
    return present / present.sum(axis=1, keepdims=True)
