"""Running lists of candidates: which scores of a block may belong to the k best of their row, and of their column.

A score is within `slack` of the similarity that it stands for. So is the k-th best score of the k-th best similarity,
and a score below (k-th best - 2 slack) belongs to no candidate. Seats hold what is above; where that is too much, the
best are kept and the floor rises further, and the row may turn out to be unproven.

A candidate is packed into one int64, see `exact.COLUMN_BITS`, so that candidates are compared as integers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raydist.neighbours.search.exact import COLUMN, COLUMN_BITS
from raydist.types import Doubles, Floats, Ints

LOWEST = np.float32(np.finfo(np.float32).min)
"""The floor of a row that takes everything; -inf, the score of a blank pair, is below it."""

_TILE = 64  # shorter loops are unrolled into scalar code


class Seats(NamedTuple):
    """The candidates of n rows.

    Attributes:
        candidates: int64 [n, room], packed.
        taken: int32 [n], how many there are.
        floor: float32 [n]: a column that is no candidate scored below it.
        slack: float64 [n], how far a score may be from its similarity.
    """

    candidates: Ints
    taken: NDArray[np.int32]
    floor: Floats
    slack: Doubles

    @staticmethod
    def open(slack: Doubles, k: int, least: Doubles | None = None) -> Seats:
        """Empty seats for the k best columns of each row; for k = 0, seats that nobody gets.

        Args:
            slack: float64 [n].
            k: how many best are wanted.
            least: float64 [n], only columns whose score may stand for this or more are wanted; None for all.
        """
        num_rows = len(slack)
        floor = np.full(num_rows, LOWEST if k else np.inf, np.float32)
        if k and least is not None:
            floor = np.maximum(floor, np.nextafter((least - slack).astype(np.float32), LOWEST))
        return Seats(np.empty((num_rows, room(k)), np.int64), np.zeros(num_rows, np.int32), floor, slack)


def most_kept(k: int) -> int:
    """How many candidates a row may have when all columns were seen."""
    return 2 * k + 32


def room(k: int) -> int:
    """How many candidates a row may have for a while; the more, the less often they are sifted."""
    return most_kept(k) + 32 if k else 0


def pack(scores: Floats, columns: Ints) -> Ints:
    """Candidates out of float32 scores and their columns, of one shape."""
    bits = (np.ascontiguousarray(scores) + np.float32(0)).view(np.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64) << COLUMN_BITS | columns


@njit(nogil=True, cache=True)
def _key(score):  # type: ignore[no-untyped-def]
    """An integer that sorts as the score does: the bits of the float, those below the sign flipped for negative ones."""
    bits = np.float32(score + np.float32(0)).view(np.int32)  # the two zeros are one score
    return np.int64(bits ^ ((bits >> 31) & 0x7FFFFFFF))


@njit(nogil=True, cache=True)
def _score(key):  # type: ignore[no-untyped-def]
    bits = np.int32(key)
    return np.int32(bits ^ ((bits >> 31) & 0x7FFFFFFF)).view(np.float32)


@njit(nogil=True, cache=True)
def _kth_key(candidates, k):  # type: ignore[no-untyped-def]
    """The k-th largest key, by bisection: each step is one vector loop."""
    low = high = candidates[0] >> COLUMN_BITS
    for candidate in candidates:
        low = min(low, candidate >> COLUMN_BITS)
        high = max(high, candidate >> COLUMN_BITS)
    while low < high:
        middle = (low + high + 1) >> 1
        count = 0
        for candidate in candidates:
            count += candidate >= middle << COLUMN_BITS
        if count >= k:
            low = middle
        else:
            high = middle - 1
    return low


@njit(nogil=True, cache=True)
def _keep_from(candidates, key):  # type: ignore[no-untyped-def]
    """Move the candidates from a key on to the front, and count them."""
    kept = 0
    for t in range(candidates.size):
        candidate = candidates[t]
        candidates[kept] = candidate
        kept += candidate >= key << COLUMN_BITS
    return kept


@njit(nogil=True, cache=True)
def _sift(candidates, slack, k, most):  # type: ignore[no-untyped-def]
    """Drop candidates that cannot be among the k best, and the worst if too many are left; return how many, and the floor."""
    best = np.float64(_score(_kth_key(candidates, k)))
    key = _key(np.float32(best - 2 * slack)) - 1  # rounded down
    kept = _keep_from(candidates, key)
    if kept > most:
        key = _kth_key(candidates[:kept], most) + 1
        kept = _keep_from(candidates[:kept], key)
    return kept, _score(key)


@njit(nogil=True, cache=True)
def add_offsets(scores, row_offset, column_offset):  # type: ignore[no-untyped-def]
    """Add the sum of both offsets to each score of a block."""
    for r in range(row_offset.size):
        for c in range(column_offset.size):
            scores[r, c] += row_offset[r] + column_offset[c]


@njit(nogil=True, cache=True)
def find_hits(scores, part, row_floor, column_floor, hits):  # type: ignore[no-untyped-def]
    """List the scores of a part of a block that are on or above the floor of their row or of their column.

    Args:
        scores: float32 [R, C], the block.
        part: four numbers: first and last + 1 row, first and last + 1 column.
        row_floor: float32 [R].
        column_floor: float32 [C].
        hits: int32 [R * C, 2], filled with rows and columns of the block.

    Returns:
        How many there are.
    """
    up, down, begin, end = part
    num_hits = 0
    for r in range(up, down):
        line, other, floor = scores[r, begin:end], column_floor[begin:end], row_floor[r]
        for start in range(0, line.size, _TILE):
            score, bar = line[start : start + _TILE], other[start : start + _TILE]
            if score.size == _TILE:
                hit = False
                for c in range(
                    _TILE
                ):  # no early exit: the compiler turns this into a few vector instructions
                    hit |= (score[c] >= floor) | (score[c] >= bar[c])
                if not hit:
                    continue
            for c in range(score.size):  # written always and counted if it is one: no branch to guess wrong
                hits[num_hits, 0] = r
                hits[num_hits, 1] = begin + start + c
                num_hits += (score[c] >= floor) | (score[c] >= bar[c])
    return num_hits


@njit(nogil=True, cache=True)
def take_seats(scores, hits, side, seats, first, other, k, most):  # type: ignore[no-untyped-def]
    """Seat the hits that are on or above the floor of their row, or of their column.

    Args:
        scores: float32 [R, C], the block.
        hits: int32 [H, 2], see `find_hits`.
        side: 0 for the seats of the rows, 1 for those of the columns.
        seats: the seats of that side's table.
        first: which row of the table the first one of the block is.
        other: the same on the other side.
        k: how many best are wanted.
        most: see `most_kept`.
    """
    candidates, taken, floor, slack = seats
    for h in range(hits.shape[0]):
        score = scores[hits[h, 0], hits[h, 1]]
        row = first + hits[h, side]
        if score >= floor[row]:
            used = taken[row]
            candidates[row, used] = (_key(score) << COLUMN_BITS) | (other + hits[h, 1 - side])
            taken[row] = used + 1
            if used + 1 == candidates.shape[1]:
                taken[row], higher = _sift(candidates[row], slack[row], k, most)
                floor[row] = max(floor[row], higher)


@njit(nogil=True, cache=True)
def sift_rows(seats, k, most):  # type: ignore[no-untyped-def]
    """Sift all rows once more, when every column has been seen."""
    candidates, taken, floor, slack = seats
    for row in range(taken.size):
        if taken[row] >= k:
            taken[row], higher = _sift(candidates[row, : taken[row]], slack[row], k, most)
            floor[row] = max(floor[row], higher)


@njit(nogil=True, cache=True)
def lowest_label(candidates, taken, labels):  # type: ignore[no-untyped-def]
    """The smallest label int64 among the candidates of each row; the largest of all labels where there are none."""
    lowest = np.full(taken.size, labels.max())
    for row in range(taken.size):
        for t in range(taken[row]):
            lowest[row] = min(lowest[row], labels[candidates[row, t] & COLUMN])
    return lowest
