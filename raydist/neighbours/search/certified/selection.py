"""Kernels that pick candidates out of blocks of scores; see `candidates` for what a candidate is."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raydist.neighbours.search.certified.candidates import COLUMN, COLUMN_BITS, LOWEST, Candidates
from raydist.types import Floats, Ints

Hits = NDArray[np.int32]
"""int32 [H, 2], rows and columns of a block."""

_WIDE = 4  # times k: the k-th best of fewer scores is hardly a bound, and a better one may come
_TURNS = 12  # of a bisection whose result need not be exact
_TILE = 64  # scores that are looked at together; shorter loops are unrolled into scalar code


@njit(nogil=True, cache=True)
def _key(score: np.float32) -> np.int64:
    """An integer that sorts as the float32 score does."""
    # The bits of a positive float sort as its value does. A negative one has the sign bit, which makes the
    # integer negative, but larger magnitudes have larger bits: flipping all bits below the sign turns their
    # order round.
    bits = np.float32(score + np.float32(0)).view(np.int32)  # -0 + 0 is 0: the two zeros are one score
    return np.int64(bits ^ ((bits >> 31) & 0x7FFFFFFF))


@njit(nogil=True, cache=True)
def _score(key: np.int64) -> np.float32:
    """The float32 score of a key; the flip of `_key` is its own inverse, as it leaves the sign bit alone."""
    bits = np.int32(key)
    return np.int32(bits ^ ((bits >> 31) & 0x7FFFFFFF)).view(np.float32)


@njit(nogil=True, cache=True)
def _kth_key(packed: Ints, k: int) -> np.int64:
    """The k-th largest key among at least k packed candidates."""
    # Bisection: at least k candidates have a key >= low, fewer than k a key > high. The interval halves every
    # turn, so there are at most 32 of them, each one vector loop without a branch. Keys are 32 bits in an
    # int64: low + high + 1 does not overflow.
    low = high = packed[0] >> COLUMN_BITS
    for candidate in packed:
        low = min(low, candidate >> COLUMN_BITS)
        high = max(high, candidate >> COLUMN_BITS)
    while low < high:
        middle = (low + high + 1) >> 1
        count = 0
        for candidate in packed:
            count += candidate >= middle << COLUMN_BITS
        if count >= k:
            low = middle
        else:
            high = middle - 1
    return low


@njit(nogil=True, cache=True)
def _keep_from(packed: Ints, key: np.int64) -> int:
    """Move the candidates whose key is this or more to the front; how many they are."""
    # `kept` never overtakes t, so nothing is overwritten before it is read. Each candidate is written and
    # only then counted, or not: no branch to guess wrong. A column is >= 0, so comparing with key <<
    # COLUMN_BITS compares keys.
    kept = 0
    for t in range(packed.size):
        candidate = packed[t]
        packed[kept] = candidate
        kept += candidate >= key << COLUMN_BITS
    return kept


@njit(nogil=True, cache=True)
def _key_below(kth: np.float32, slack: float) -> np.int64:
    """A key that the scores of the k best reach, where the k-th best of some scores is known."""
    # The bound is computed in float64 and rounded to float32, up perhaps: the key before it is surely not
    # above.
    return _key(np.float32(np.float64(kth) - 2 * slack)) - 1


@njit(nogil=True, cache=True)
def _sift(packed: Ints, slack: float, k: int, most: int) -> tuple[int, np.float32]:
    """Drop candidates that cannot be among the k best, and the worst where more than `most` are left.

    Returns:
        How many are left, and the new floor: every dropped candidate scored below it.
    """
    key = _key_below(_score(_kth_key(packed, k)), slack)
    kept = _keep_from(packed, key)
    if kept > most:
        # Fewer than `most` have a larger key than the one at that rank; all that tie with it are dropped.
        key = _kth_key(packed[:kept], most) + 1
        kept = _keep_from(packed[:kept], key)
    return kept, _score(key)


@njit(nogil=True, cache=True)
def add_offsets(scores: Floats, row_offset: Floats, column_offset: Floats) -> None:
    """Add the offsets of its row and column to each score of a block.

    Args:
        scores: float32 [R, C], changed in place.
        row_offset: float32 [R].
        column_offset: float32 [C].
    """
    # Each entry is changed once. The rounding of both additions is part of the slack, see `Operand.slack`.
    for r in range(row_offset.size):
        for c in range(column_offset.size):
            scores[r, c] += row_offset[r] + column_offset[c]


@njit(nogil=True, cache=True)
def _num_from(scores: Floats, bar: np.float32) -> np.int32:
    """How many scores are this or more."""
    count = np.int32(0)  # of the width of a score: one vector loop
    for c in range(scores.size):
        count += np.int32(scores[c] >= bar)
    return count


@njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
def _about_kth(scores: Floats, k: int) -> np.float32:
    """A score, close to the k-th largest, that at least k scores reach; the lowest where none is known."""
    # Bisection: at least k scores are >= low. Scores are of centred rows, so the best are positive, and their
    # negative is a bound that k others reach, unless most columns are excluded. A dozen turns leave about as
    # many candidates as all turns would.
    high = LOWEST
    for c in range(scores.size):
        high = max(high, scores[c])
    low = -high
    if not 0 < high < np.inf or _num_from(scores, low) < k:
        return LOWEST
    for _ in range(_TURNS):
        middle = (low + high) * np.float32(0.5)
        if _num_from(scores, middle) >= k:
            low = middle
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def raise_floors(
    scores: Floats, part: tuple[int, int, int, int], candidates: Candidates, first: int, k: int
) -> None:
    """Raise the floors of rows that accept everything yet to what a part of a block allows.

    The k-th best of all is no worse than that of a part. Without this a row would take whatever comes first:
    most of all that ever become candidates.

    Args:
        scores: float32 [R, C], the block.
        part: four numbers: first and last + 1 row, first and last + 1 column.
        candidates: of all rows of the block's table.
        first: which of them the block's first row is.
        k: how many best are wanted.
    """
    # Candidates that are below the floor now are dropped when the row is sifted.
    up, down, begin, end = part
    floor, slack = candidates.floor, candidates.slack
    if end - begin < _WIDE * k:
        return
    for r in range(up, down):
        if floor[first + r] == LOWEST:
            kth = _about_kth(scores[r, begin:end].copy(), k)  # one piece of memory, also of a turned block
            if kth > LOWEST:
                floor[first + r] = max(LOWEST, _score(_key_below(kth, slack[first + r])))


@njit(nogil=True, cache=True)
def find_hits(
    scores: Floats, part: tuple[int, int, int, int], row_floor: Floats, column_floor: Floats, hits: Hits
) -> int:
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
    # Most scores are below both floors. So 64 of them are compared at once, and only a tile with a hit is
    # gone through one by one. Hits are written always and counted only where they are one: no branch to guess
    # wrong, and never more than R * C entries, as there is at most one a score.
    up, down, begin, end = part
    num_hits = 0
    for r in range(up, down):
        line, other, floor = scores[r, begin:end], column_floor[begin:end], row_floor[r]
        for start in range(0, line.size, _TILE):
            score, bar = line[start : start + _TILE], other[start : start + _TILE]
            if score.size == _TILE:
                hit = False
                for c in range(_TILE):  # no early exit: the compiler makes a few vector instructions of it
                    hit |= score[c] >= min(floor, bar[c])
                if not hit:
                    continue
            for c in range(score.size):
                hits[num_hits, 0] = r
                hits[num_hits, 1] = begin + start + c
                num_hits += score[c] >= min(floor, bar[c])
    return num_hits


@njit(nogil=True, cache=True)
def add_hits(
    scores: Floats, hits: Hits, side: int, candidates: Candidates, first: tuple[int, int], k: int, most: int
) -> None:
    """Make candidates of the hits that are on or above the floor of their row, or of their column.

    Args:
        scores: float32 [R, C], the block.
        hits: int32 [H, 2], see `find_hits`.
        side: 0 for the candidates of the block's rows, 1 for those of its columns.
        candidates: of all rows of that side's table.
        first: which row of its own table the block's first row is, and of the other table its first column,
            for side 0; the other way round for side 1.
        k: how many best are wanted.
        most: see `max_kept`.
    """
    # Invariant: a row has space for at least one more candidate. When it has been filled, the candidates are
    # sifted at once down to `most` or fewer, which is less than the capacity. Floors only rise: what was
    # dropped before scored below the new floor too.
    packed, size, floor, slack = candidates
    own_first, other_first = first
    for h in range(hits.shape[0]):
        score = scores[hits[h, 0], hits[h, 1]]
        row = own_first + hits[h, side]
        if score >= floor[row]:
            used = size[row]
            packed[row, used] = (_key(score) << COLUMN_BITS) | (other_first + hits[h, 1 - side])
            size[row] = used + 1
            if used + 1 == packed.shape[1]:
                size[row], higher = _sift(packed[row], slack[row], k, most)
                floor[row] = max(floor[row], higher)


@njit(nogil=True, cache=True)
def sift_rows(candidates: Candidates, k: int, most: int) -> None:
    """Sift all rows once more, when every column has been looked at."""
    # A row with fewer than k candidates has no k-th best score: nothing can be dropped.
    packed, size, floor, slack = candidates
    for row in range(size.size):
        if size[row] >= k:
            size[row], higher = _sift(packed[row, : size[row]], slack[row], k, most)
            floor[row] = max(floor[row], higher)


@njit(nogil=True, cache=True)
def lowest_label(packed: Ints, size: NDArray[np.int32], labels: Ints) -> Ints:
    """The smallest label among the candidates of each row; the largest of all labels where there are none.

    Args:
        packed: int64 [n, capacity].
        size: int32 [n].
        labels: int64 [m], of each column; at least one.

    Returns:
        int64 [n].
    """
    # One pass; a minimum does not depend on the order of the candidates.
    lowest = np.full(size.size, labels.max())
    for row in range(size.size):
        for t in range(size[row]):
            lowest[row] = min(lowest[row], labels[packed[row, t] & COLUMN])
    return lowest
