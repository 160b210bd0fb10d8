"""k-reciprocal neighbour sets and what is averaged over them: the sparse matrix V of k-reciprocal encoding.

Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017, Sections 3.2 to 3.4. Each
function computes some rows of its result from rank tables of all N rows, so rows may be spread in any way.

Which k: a rank table has k1 columns, the row itself among them. Code that searches with faiss does the same; code that
sorts whole rows of a distance matrix takes k1 + 1 columns. The half sets have round(k1 / 2) + 1 columns in both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.neighbours.search import NOBODY, Doubles, exact_dot
from raydist.types import Floats, Ints

RankTable = NDArray[np.int32]
"""int32 [N, K]: the neighbours of every row, best first; empty seats hold -1 and come last."""


def reciprocal_sets(rows: Ints, tables: Sequence[RankTable], *, half: int) -> csr_array:
    """The k-reciprocal sets of some rows, expanded by the half sets of their members (Zhong et al., Eq. 2 and 3).

    The set of row i holds every j of its list that has i in its own list. It takes in the half set of a member c where
    more than two thirds of that half set lie in the set before expansion.

    Args:
        rows: int64 [r].
        tables: rank tables of all N rows. With several (intra- and inter-camera) a set is the union over them, each
            being reciprocal in its own table.
        half: a half set is reciprocal in the first ``half + 1`` columns; 0 for no expansion.

    Returns:
        Boolean CSR [r, N], columns ascending.

    >>> table = np.array([[0, 1], [1, 0], [2, 1]], np.int32)
    >>> reciprocal_sets(np.arange(3), [table], half=0).indices.tolist()
    [0, 1, 0, 1, 2]
    """
    union = None
    for table in tables:
        bounds, members = _reciprocal_sets(rows, table, half)
        part = csr_array((np.ones(len(members), bool), members, bounds), shape=(len(rows), len(table)))
        union = part if union is None else union + part
    assert union is not None, "at least one rank table"
    return union


def v_rows(sets: csr_array, row_features: Floats, member_features: Floats, *, member_ids: Ints | None = None) -> csr_array:
    """Rows of V: a softmax of minus the squared distance over a row's set (Zhong et al., Eq. 7, normalised).

    V_ij = exp(-d_ij) / sum over l of exp(-d_il), with d_ij = 2 - 2 f_i . f_j.

    Args:
        sets: CSR [r, N], the sets of the rows.
        row_features: float32 [r, D], unit features of those rows.
        member_features: float32 [m, D], unit features of every row that occurs in a set; of all N rows without ids.
        member_ids: int64 [m] ascending, which rows these are; None for 0..N-1.

    Returns:
        float32 CSR [r, N] of the same pattern, each row summing to 1.
    """
    members = sets.indices if member_ids is None else np.searchsorted(member_ids, sets.indices).astype(np.int32)
    weights = _softmax_weights(sets.indptr, members, row_features, member_features)
    return csr_array((weights, sets.indices, sets.indptr), shape=sets.shape)


def expand_rows(seats: RankTable, shares: Doubles, v: csr_array) -> csr_array:
    """Local query expansion: a row of V becomes the weighted mean of its neighbours' rows (Zhong et al., Section 3.4).

    Args:
        seats: int32 [r, K], the neighbours that each row is averaged over; -1 in an empty seat.
        shares: float64 [r, K], their weights, each row summing to 1; 0 in an empty seat.
        v: float32 CSR [N, N], V before expansion.

    Returns:
        float32 CSR [r, N], columns ascending, each row summing to 1.
    """
    taken = seats != NOBODY
    bounds = np.concatenate(([0], np.cumsum(taken.sum(axis=1))))
    mean = csr_array((shares[taken], seats[taken], bounds), shape=(len(seats), v.shape[0]))
    expanded = csr_array(mean @ v)
    expanded.sort_indices()
    return expanded.astype(np.float32)


@njit(nogil=True, cache=True)
def _lower_bound(values, count, value):  # type: ignore[no-untyped-def]
    low, high = 0, count
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def _reciprocal(table, i, width, out):  # type: ignore[no-untyped-def]
    """Write i's k-reciprocal neighbours in the first columns of a table to `out`, ascending; return how many."""
    count = 0
    for a in range(width):
        j = table[i, a]
        if j < 0:
            break
        for b in range(width):
            if table[j, b] == i:
                count = _include(out, count, j)
                break
    return count


@njit(nogil=True, cache=True)
def _include(values, count, value):  # type: ignore[no-untyped-def]
    """Insert into an ascending list without repetition; return the new length."""
    seat = _lower_bound(values, count, value)
    if seat < count and values[seat] == value:
        return count
    for later in range(count, seat, -1):
        values[later] = values[later - 1]
    values[seat] = value
    return count + 1


@njit(nogil=True, cache=True)
def _expand_set(table, base, size, narrow, near, out):  # type: ignore[no-untyped-def]
    """Write the set `base` and the half sets it takes in to `out`; return how many members."""
    out[:size] = base[:size]
    count = size
    for a in range(size):
        num_near = _reciprocal(table, base[a], narrow, near)
        common = 0
        for b in range(num_near):
            seat = _lower_bound(base, size, near[b])
            common += seat < size and base[seat] == near[b]
        if 3 * common > 2 * num_near:
            for b in range(num_near):
                count = _include(out, count, near[b])
    return count


@njit(nogil=True, cache=True)
def _reciprocal_sets(rows, table, half):  # type: ignore[no-untyped-def]
    wide = table.shape[1]
    narrow = min(half + 1, wide)
    base, near = np.empty(wide, np.int32), np.empty(wide, np.int32)
    largest = wide + wide * narrow
    bounds = np.zeros(rows.size + 1, np.int32)
    members = np.empty(largest + 2 * wide * rows.size, np.int32)
    for r in range(rows.size):
        used = bounds[r]
        if used + largest > members.size:
            longer = np.empty(2 * members.size, np.int32)
            longer[:used] = members[:used]
            members = longer
        out = members[used:]
        if half > 0:
            size = _reciprocal(table, rows[r], wide, base)
            size = _expand_set(table, base, size, narrow, near, out)
        else:
            size = _reciprocal(table, rows[r], wide, out)
        bounds[r + 1] = used + size
    return bounds, members[: bounds[-1]].copy()


@njit(nogil=True, cache=True)
def _softmax_weights(bounds, members, row_features, member_features):  # type: ignore[no-untyped-def]
    weights = np.empty(members.size, np.float32)
    longest = 0
    for r in range(bounds.size - 1):
        longest = max(longest, bounds[r + 1] - bounds[r])
    raw = np.empty(longest)
    for r in range(bounds.size - 1):
        start, size = bounds[r], bounds[r + 1] - bounds[r]
        total = 0.0
        for a in range(size):
            raw[a] = math.exp(2 * exact_dot(row_features[r], member_features[members[start + a]]) - 2)
            total += raw[a]
        for a in range(size):
            weights[start + a] = raw[a] / total
    return weights
