"""The similarity that decides a ranking: a float64 dot product of float32 features, summed in one fixed order.

Whatever proposes candidates, they are ranked here, so lists have the same bytes for every product, block, shard and
number of threads. The product of two float32 numbers is exact in float64: a fused multiply-add changes nothing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

CHAINS = 64
"""Partial sums that run side by side; a power of two, and enough to keep the vector units busy."""

COLUMN_BITS = 32
"""A candidate is one int64: a sortable score above this many bits, and the column below them."""

COLUMN = 2**COLUMN_BITS - 1
"""What masks the column of a candidate."""

_TILE = 16


@njit(nogil=True, cache=True, fastmath={"contract"})
def chained_dot(x, y, chains):  # type: ignore[no-untyped-def]
    """The dot product of two float32 vectors, with room for float64 [CHAINS] partial sums that the caller keeps."""
    chains[:] = 0.0
    whole = x.size - x.size % CHAINS
    for q in range(0, whole, CHAINS):
        for c in range(CHAINS):
            chains[c] += np.float64(x[q + c]) * np.float64(y[q + c])
    for q in range(whole, x.size):
        chains[q - whole] += np.float64(x[q]) * np.float64(y[q])
    half = CHAINS
    while half > 1:
        half //= 2
        for c in range(half):
            chains[c] += chains[c + half]
    return chains[0]


@njit(nogil=True, cache=True)
def exact_dot(x, y):  # type: ignore[no-untyped-def]
    """The dot product of two float32 vectors in float64, summed in the one order that all rankings use."""
    return chained_dot(x, y, np.empty(CHAINS))


@njit(nogil=True, cache=True)
def exact_products(left, left_rows, right, right_rows, table):  # type: ignore[no-untyped-def]
    """Fill a float64 table [l, r] with the products of rows of two tables, a few right rows at a time as they fit the cache."""
    chains = np.empty(CHAINS)
    for start in range(0, right_rows.size, _TILE):
        stop = min(start + _TILE, right_rows.size)
        for i in range(left_rows.size):
            for j in range(start, stop):
                table[i, j] = chained_dot(left[left_rows[i]], right[right_rows[j]], chains)


@njit(nogil=True, cache=True)
def _seat(similarity, name, similarities, ids):  # type: ignore[no-untyped-def]
    """Insert a row into a list kept by (similarity descending, id ascending), if it is good enough."""
    seat = ids.size
    while seat > 0 and (
        similarity > similarities[seat - 1] or (similarity == similarities[seat - 1] and name < ids[seat - 1])
    ):
        seat -= 1
    for later in range(ids.size - 1, seat, -1):
        similarities[later] = similarities[later - 1]
        ids[later] = ids[later - 1]
    if seat < ids.size:
        similarities[seat] = similarity
        ids[seat] = name


@njit(nogil=True, cache=True)
def rank_candidates(visits, left, left_rows, right, right_rows, names, candidates, count, ids, similarities):  # type: ignore[no-untyped-def]
    """Rank the first `count` candidates of each visited row by their exact similarity."""
    chains = np.empty(CHAINS)
    for i in visits:
        for t in range(count[i]):
            c = candidates[i, t] & COLUMN
            _seat(
                chained_dot(left[left_rows[i]], right[right_rows[c]], chains),
                names[c],
                similarities[i],
                ids[i],
            )


@njit(nogil=True, cache=True)
def rank_everybody(table, copy_of, names, start, stop, inside, blank, ids, similarities):  # type: ignore[no-untyped-def]
    """Rank all columns from `start` to `stop` of each row, or with `inside` false all others; a blank one is left out.

    Column c has the products of column ``copy_of[c]`` of the table.
    """
    for i in range(table.shape[0]):
        for c in range(names.size):
            if (
                (start[i] <= c < stop[i]) == inside
                and c != blank[i]
                and table[i, copy_of[c]] >= similarities[i, -1]
            ):
                _seat(table[i, copy_of[c]], names[c], similarities[i], ids[i])


@njit(nogil=True, cache=True)
def hash_rows(features, rows):  # type: ignore[no-untyped-def]
    """A number for each row that equal rows share (Fowler, Noll and Vo's hash over the words of its bytes)."""
    hashes = np.empty(rows.size, np.uint64)
    for i in range(rows.size):
        value = np.uint64(14695981039346656037)
        for word in features[rows[i]].view(np.uint32):
            value = (value ^ np.uint64(word)) * np.uint64(1099511628211)
        hashes[i] = value
    return hashes
