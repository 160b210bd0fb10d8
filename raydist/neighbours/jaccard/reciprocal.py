"""k-reciprocal neighbour sets and what is averaged over them: the sparse matrix V of k-reciprocal encoding.

Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017, Sections 3.2 to
3.4. Each function computes some rows of its result from the ranked lists of all N rows, so rows may be spread
in any way.

Which k: a list has k1 places, and the row itself is the first. Code that searches with faiss does the same;
code that sorts whole rows of a distance matrix takes k1 + 1. The half sets have round(k1 / 2) + 1 places in
both.

The weights of V are whole numbers, multiples of 1 / `UNIT`. Sums of whole numbers are exact, so no result
depends on the order in which rows are numbered, cut into slabs or spread over shards; float32 would keep 24
bits where these keep 30.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.neighbours.jaccard.ranked_lists import RankedLists
from raydist.neighbours.jaccard.slabs import (
    map_slabs,
    sparse_rows,
    stack_rows,
    unsigned,
    with_room,
    work_slabs,
)
from raydist.neighbours.search.exact import CHAINS, chained_dot
from raydist.neighbours.search.ranked import PADDING
from raydist.types import Floats, Ints

UNIT = 1 << 30
"""The weight 1 of a row of V as a whole number; a row sums to it, up to rounding."""

MutualRanks = NDArray[np.uint16]
"""uint16 [N, K]: the later rank of the two that a row and its neighbour give each other, or `NEVER`."""

NEVER = 2**16 - 1
"""The mutual rank of a neighbour whose list lacks the row, and of padding."""

_EXPONENTIAL_BITS = 40  # of the exponentials of a softmax, as whole numbers
_WEIGHT_BITS = 32  # of the weights of query expansion, as whole numbers

Ids = NDArray[np.int32]
Columns = NDArray[np.uint32]
Weights = NDArray[np.int32]


def mutual_ranks(rows: Ints, lists: RankedLists, *, threads: int = 1) -> MutualRanks:
    """At which k each row and its neighbours become k-reciprocal (Zhong et al., Eq. 1).

    The a-th neighbour of row i is in the k-reciprocal set of i where its mutual rank is below k.

    Args:
        rows: int64 [r].
        lists: the lists of all N rows; the columns from ``lists.split`` on are a second list, and ranks in
            either are compared with ranks in the same list of the neighbour.
        threads: how many work at once, here and below; changes the time, never the result.

    Returns:
        uint16 [r, K].
    """
    ranks = np.empty((len(rows), lists.ids.shape[1]), np.uint16)

    def fill(slab: slice) -> None:
        _mutual_ranks(rows[slab], lists.ids, min(lists.split, lists.ids.shape[1]), ranks[slab])

    map_slabs(fill, work_slabs(len(rows), threads=threads), threads=threads)
    return ranks


def reciprocal_sets(
    rows: Ints, lists: RankedLists, mutual: MutualRanks, *, half: int, threads: int = 1
) -> csr_array:
    """The k-reciprocal sets of some rows, expanded by the half sets of their members (Zhong et al., Eq. 2 and
    3).

    The set of row i holds every j of its list that has i in its own list. It takes in the half set of a
    member c where more than two thirds of that half set lie in the set before expansion.

    Args:
        rows: int64 [r].
        lists: the lists of all N rows.
        mutual: uint16 [N, K] of all rows, from `mutual_ranks`.
        half: a half set is reciprocal on the first ``half + 1`` places; 0 for no expansion.
        threads: see `mutual_ranks`.

    Returns:
        float32 CSR [r, N]: the similarity of every member, NaN where neither list holds the other row.
        Columns are in the order of the lists.
    """

    def part(slab: slice) -> csr_array:
        bounds, members, known = _reciprocal_sets(rows[slab], lists.ids, lists.similarities, mutual, half)
        return sparse_rows(bounds, members, known, num_columns=len(mutual))

    return stack_rows(map_slabs(part, work_slabs(len(rows), threads=threads), threads=threads))


def v_rows(
    sets: csr_array, rows: Ints, features: Floats, *, places: Ints | None = None, threads: int = 1
) -> csr_array:
    """Rows of V: a softmax of minus the squared distance over a row's set (Zhong et al., Eq. 7, normalised).

    V_ij = exp(-d_ij) / sum over l of exp(-d_il), with d_ij = 2 - 2 f_i . f_j.

    Args:
        sets: CSR [r, N], the sets of the rows with the similarities that are known.
        rows: int64 [r].
        features: float32 [M, D], features of these rows and of the members whose similarity is not
            known.
        places: int64 [N], where in `features` that of each row is; 0..N-1 when None.
        threads: see `mutual_ranks`.

    Returns:
        int32 CSR [r, N] of the same pattern, in multiples of 1 / `UNIT`.
    """
    where = np.arange(sets.shape[1]) if places is None else places
    weights = np.empty(sets.nnz, np.int32)

    def fill(slab: slice) -> None:
        bounds = sets.indptr[slab.start : slab.stop + 1]
        _softmax_weights(bounds, sets.indices, sets.data, where[rows[slab]], features, where, weights)

    map_slabs(fill, work_slabs(len(rows), threads=threads), threads=threads)
    return csr_array((weights, sets.indices, sets.indptr), shape=sets.shape)


def expand_rows(rows: Ints, lists: RankedLists, v: csr_array, *, threads: int = 1) -> csr_array:
    """Local query expansion: a row of V becomes the weighted mean of its neighbours' rows (Zhong et al.,
    Section 3.4).

    Args:
        rows: int64 [r].
        lists: of all N rows, with the expansion neighbours and their weights.
        v: int32 CSR [N, N], V before expansion, in multiples of 1 / `UNIT`; rows that are averaged into none
            of the given rows may be empty.
        threads: see `mutual_ranks`.

    Returns:
        int32 CSR [r, N] of the same unit.
    """
    table = v.indptr, unsigned(v.indices), v.data
    slabs = work_slabs(len(rows), threads=threads)
    sizes = map_slabs(
        lambda slab: _count_expanded(lists.expansion_ids[rows[slab]], *table[:2]), slabs, threads=threads
    )
    bounds = np.concatenate([[0], *sizes]).cumsum()
    columns, mean = np.empty(bounds[-1], np.uint32), np.empty(bounds[-1], np.int32)

    def fill(slab: slice) -> None:
        factors = np.rint(lists.expansion_weights[rows[slab]] * 2.0**_WEIGHT_BITS).astype(np.int64)
        _expand(lists.expansion_ids[rows[slab]], factors, *table, bounds[slab], (columns, mean))

    map_slabs(fill, slabs, threads=threads)
    return sparse_rows(bounds, columns, mean, num_columns=v.shape[1])


@njit(nogil=True, cache=True)
def _rank_of(wanted: int, ids: Ids) -> np.int32:
    """Where a row is in a list [K]; `NEVER` if it is not there."""
    rank = np.int32(NEVER)
    for a in range(ids.size):  # no early exit: the compiler turns this into a few vector instructions
        rank = min(rank, np.int32(a) if ids[a] == np.int32(wanted) else np.int32(NEVER))
    return rank


@njit(nogil=True, cache=True)
def _mutual_ranks(rows: Ints, ids: Ids, split: int, ranks: MutualRanks) -> None:
    """Write the mutual ranks of some rows into `ranks` [r, K]."""
    width = ids.shape[1]
    for r in range(rows.size):
        # Both lists of a row, or one list and nothing; ranks count from the first column of a list.
        for first, stop in ((0, split), (split, width)):
            for a in range(first, stop):
                j = ids[rows[r], a]
                rank = NEVER if j == PADDING else int(_rank_of(rows[r], ids[j, first:stop]))
                ranks[r, a] = max(a - first, rank)


@njit(nogil=True, cache=True)
def _reciprocal_sets(
    rows: Ints, ids: Ids, similarities: Floats, mutual: MutualRanks, half: int
) -> tuple[Ints, Ids, Floats]:
    """The expanded sets of some rows as a CSR: bounds [r + 1], members, and known similarities."""
    num_rows, width = ids.shape
    narrow = min(half + 1, width) if half > 0 else 0  # places of a half set
    largest = width * (1 + narrow)  # a row has at most `width` members, and each brings at most `narrow` more
    bounds = np.zeros(rows.size + 1, np.int64)
    room = largest + width * rows.size
    members, known = np.empty(room, np.int32), np.empty(room, np.float32)
    # Row j is in the set of the r-th row where the mark is r: marks of earlier rows need not be wiped out.
    in_base, in_set = np.full(num_rows, -1, np.int32), np.full(num_rows, -1, np.int32)
    count = 0
    for r in range(rows.size):
        i, first = rows[r], count
        members, known = with_room(members, count, largest), with_room(known, count, largest)
        # The set before expansion: every neighbour whose list has the row (Eq. 1). Two lists may name a row
        # twice.
        for a in range(width):
            j = ids[i, a]
            if mutual[i, a] != NEVER and in_set[j] != r:
                members[count], known[count] = j, similarities[i, a]
                in_base[j] = in_set[j] = r
                count += 1
        # The half sets of the members before expansion (Eq. 2 and 3). What these bring comes behind `last`:
        # no half set of its own is taken.
        last = count if narrow else first
        for t in range(first, last):
            c = members[t]
            if _joins(ids[c], mutual[c], narrow, in_base, r):
                for a in range(narrow):
                    j = ids[c, a]
                    if mutual[c, a] < narrow and in_set[j] != r:
                        members[count], known[count] = j, _listed_similarity(ids, similarities, i, j)
                        in_set[j] = r
                        count += 1
        bounds[r + 1] = count
    return bounds, members[:count].copy(), known[:count].copy()


@njit(nogil=True, cache=True)
def _joins(ids: Ids, mutual: MutualRanks, narrow: int, in_base: Ids, r: int) -> bool:
    """Whether more than two thirds of a half set lie in the set of the r-th row, but not all of it.

    A half set that lies there whole would bring nothing.
    """
    size, common = 0, 0
    for a in range(narrow):
        if mutual[a] < narrow:
            size += 1
            common += in_base[ids[a]] == r
    return 3 * common > 2 * size and common < size


@njit(nogil=True, cache=True)
def _listed_similarity(ids: Ids, similarities: Floats, i: int, j: int) -> np.float32:
    """The similarity of two rows as one of their lists has it; NaN if neither has."""
    rank = _rank_of(j, ids[i])
    if rank != NEVER:
        return similarities[i, rank]
    rank = _rank_of(i, ids[j])
    return similarities[j, rank] if rank != NEVER else np.float32(np.nan)


@njit(nogil=True, cache=True)
def _softmax_weights(
    bounds: Ints,
    members: Ids,
    similarities: Floats,
    row_places: Ints,
    features: Floats,
    places: Ints,
    weights: Weights,
) -> None:
    """Write the softmax over the set of each row into `weights`.

    Args:
        bounds: int64 [r + 1], where the set of each row begins.
        members: int32 [nnz].
        similarities: float32 [nnz], NaN where not known.
        row_places: int64 [r], where the feature of each of the rows is.
        features: float32 [M, D].
        places: int64 [N], where the feature of every row is.
        weights: int32 [nnz], in multiples of 1 / `UNIT`.
    """
    longest = 0
    for r in range(row_places.size):
        longest = max(longest, bounds[r + 1] - bounds[r])
    exponentials, chains = np.empty(longest, np.int64), np.empty(CHAINS)
    for r in range(row_places.size):
        start, size = bounds[r], bounds[r + 1] - bounds[r]
        total = 0
        for a in range(size):
            similarity = similarities[start + a]
            if math.isnan(similarity):
                # The same sum in the same order as the search takes, rounded to float32 as in the lists.
                similarity = np.float32(
                    chained_dot(features[row_places[r]], features[places[members[start + a]]], chains)
                )
            # Minus the squared distance is 2 s - 2. Members come in an order that changes with the numbering
            # of the rows, so exponentials are rounded to whole numbers before they are summed.
            exponentials[a] = np.int64(math.exp(2 * np.float64(similarity) - 2) * (1 << _EXPONENTIAL_BITS))
            total += exponentials[a]
        for a in range(size):
            # At least 1: a member is never lost.
            weights[start + a] = max(np.int64(1), np.int64(exponentials[a] * (UNIT / total) + 0.5))


@njit(nogil=True, cache=True)
def _count_expanded(averaged: Ids, bounds: Ints, columns: Columns) -> Ints:
    """How many different columns the rows that are averaged into each row have together, int64 [r].

    Args:
        averaged: int32 [r, K2], the rows that are averaged, padded with -1.
        bounds, columns: the pattern of V, as CSR.
    """
    sizes = np.zeros(averaged.shape[0], np.int64)
    seen = np.full(bounds.size - 1, -1, np.int32)  # the last row of the result that a column was counted for
    for r in range(averaged.shape[0]):
        size = 0
        for j in averaged[r]:
            if j != PADDING:
                for t in range(np.uint64(bounds[j]), np.uint64(bounds[j + 1])):
                    size += seen[columns[t]] != r
                    seen[columns[t]] = r
        sizes[r] = size
    return sizes


@njit(nogil=True, cache=True)
def _expand(
    averaged: Ids,
    factors: Ints,
    bounds: Ints,
    columns: Columns,
    weights: Weights,
    starts: Ints,
    result: tuple[Columns, Weights],
) -> None:
    """Write the columns of each row of the result and their mean weights.

    Args:
        averaged: int32 [r, K2], the rows that are averaged, padded with -1.
        factors: int64 [r, K2], their weights, in multiples of 2 ** -`_WEIGHT_BITS`.
        bounds, columns, weights: V, as CSR.
        starts: int64 [r], where each row of the result begins.
        result: its columns and weights, which are filled.
    """
    mean_columns, mean = result
    rounding = 1 << (_WEIGHT_BITS - 1)
    # The total of every column for the row at work, zeros between two rows; and which columns are not 0.
    total, touched = np.zeros(bounds.size - 1, np.int32), np.empty(bounds.size, np.uint32)
    for r in range(averaged.shape[0]):
        count = np.uint64(0)
        for a in range(averaged.shape[1]):
            j = averaged[r, a]
            if j == PADDING:
                continue
            for t in range(np.uint64(bounds[j]), np.uint64(bounds[j + 1])):
                column = columns[t]
                before = total[column]
                # Written always, counted where the column is new: without a branch, which would be
                # mispredicted. After all columns are touched, the write goes to the extra place at the end.
                touched[count] = column
                count += np.uint64(before == 0)
                # Share times weight, rounded; at least 1, so that the total of a touched column is never 0.
                total[column] = before + max(1, (factors[r, a] * weights[t] + rounding) >> _WEIGHT_BITS)
        start = np.uint64(starts[r])
        for t in range(count):
            column = touched[t]
            mean_columns[start + t], mean[start + t] = column, total[column]
            total[column] = 0
