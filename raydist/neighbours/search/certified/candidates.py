"""Candidates: the columns of a row whose scores may belong to its k best, and how they are packed.

A candidate is one int64: the score as a sortable integer in the upper 32 bits, the column in the lower 32, so
that candidates are compared as integers.

A score is within `slack` of the similarity that it stands for. So is the k-th best score of the k-th best
similarity, and a column that scored below (k-th best score - 2 slack) is none of the k most similar.
Candidates are what scored above it. Where these are too many, the best are kept and the floor rises further;
then the row may turn out to be unproven.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from raydist.types import Doubles, Floats, Ints

COLUMN_BITS = 32
"""Bits of the column in a packed candidate."""

COLUMN = 2**COLUMN_BITS - 1
"""What masks the column of a packed candidate."""

LOWEST = np.float32(np.finfo(np.float32).min)
"""The floor of a row that accepts every column; -inf, the score of an excluded pair, is below it."""


class Candidates(NamedTuple):
    """The candidates of n rows.

    Attributes:
        packed: int64 [n, capacity]; those of a row come first, in no order.
        size: int32 [n], how many there are.
        floor: float32 [n]: a column that is no candidate scored below it.
        slack: float64 [n], how far a score may be from its similarity.
    """

    packed: Ints
    size: NDArray[np.int32]
    floor: Floats
    slack: Doubles

    @staticmethod
    def none_yet(slack: Doubles, k: int, least: Doubles | None = None) -> Candidates:
        """No candidates, with space for those of the k best columns of each row; k = 0 accepts none.

        Args:
            slack: float64 [n].
            k: how many best are wanted.
            least: float64 [n], only columns whose score may stand for this or more are wanted; None for all.
        """
        num_rows = len(slack)
        floor = np.full(num_rows, LOWEST if k else np.inf, np.float32)
        if k and least is not None:
            floor = np.maximum(floor, np.nextafter((least - slack).astype(np.float32), LOWEST))
        packed = np.empty((num_rows, capacity(k)), np.int64)
        return Candidates(packed, np.zeros(num_rows, np.int32), floor, slack)


GroupedCandidates = tuple[Candidates, Candidates]
"""The candidates of a table's rows within their groups, and across."""


def max_kept(k: int) -> int:
    """How many candidates a row may have when all columns have been looked at."""
    return 2 * k + 32


def capacity(k: int) -> int:
    """How many candidates a row has space for meanwhile; the more, the less often they are sifted."""
    return max_kept(k) + 32 if k else 0


def pack(scores: Floats, columns: Ints) -> Ints:
    """Packed candidates out of float32 scores and their columns, of one shape."""
    bits = (np.ascontiguousarray(scores) + np.float32(0)).view(np.int32)  # -0 + 0 is 0: one score for both
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64) << COLUMN_BITS | columns
