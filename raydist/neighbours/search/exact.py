"""The similarity that decides a ranking: a float64 dot product of float32 features, in one fixed order.

Whatever proposes candidates, they are ranked by this sum, so lists have the same bytes for every product,
block, shard and number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raydist.neighbours.search.ranked import NumNeighbours
from raydist.neighbours.search.rows import check_search
from raydist.types import Doubles, Floats, Ints

CHAINS = 64
"""Partial sums that run side by side; a power of two, and enough to keep the vector units busy."""

_TILE = 16
"""Right rows that are multiplied with every left row before the next ones, so that they stay in the cache."""


@njit(nogil=True, cache=True, fastmath={"contract"})
def chained_dot(x: Floats, y: Floats, chains: Doubles) -> float:
    """The dot product of two float32 vectors, as a float64.

    Args:
        x: float32 [D].
        y: float32 [D].
        chains: float64 [CHAINS], overwritten; the caller's, so that many products need one allocation.
    """
    # Partial sum c adds the products at c, c + CHAINS, c + 2 CHAINS, ... in this order, and the partial sums
    # are then added in a fixed tree: the rounding does not depend on the processor's vector width. A product
    # of two float32 numbers (24 bits each) is exact in float64 (53 bits), so contracting a multiplication and
    # an addition into one fused instruction changes nothing. |x| and |y| are checked to be far from overflow.
    chains[:] = 0.0
    whole = x.size - x.size % CHAINS
    for q in range(0, whole, CHAINS):
        for c in range(CHAINS):
            chains[c] += np.float64(x[q + c]) * np.float64(y[q + c])
    for q in range(whole, x.size):
        chains[q - whole] += np.float64(x[q]) * np.float64(y[q])
    # Invariant: the sum of the first `half` partial sums after a turn is that of the first 2 `half` before
    # it.
    half = CHAINS
    while half > 1:
        half //= 2
        for c in range(half):
            chains[c] += chains[c + half]
    return chains[0]


@njit(nogil=True, cache=True)
def exact_dot(x: Floats, y: Floats) -> float:
    """The dot product of two float32 vectors in float64, summed in the one order that all rankings use."""
    return chained_dot(x, y, np.empty(CHAINS))


@njit(nogil=True, cache=True)
def exact_products(left: Floats, left_rows: Ints, right: Floats, right_rows: Ints, products: Doubles) -> None:
    """Fill a table with the exact products of some rows of two tables.

    Args:
        left: float32 [N, D].
        left_rows: int64 [l].
        right: float32 [M, D].
        right_rows: int64 [r].
        products: float64 [l, r], overwritten.
    """
    # Every entry is one independent sum: the order of the loops changes no bit. A tile of right rows is read
    # by all left rows while it lies in the cache.
    chains = np.empty(CHAINS)
    for start in range(0, right_rows.size, _TILE):
        stop = min(start + _TILE, right_rows.size)
        for i in range(left_rows.size):
            for j in range(start, stop):
                products[i, j] = chained_dot(left[left_rows[i]], right[right_rows[j]], chains)


@njit(nogil=True, cache=True)
def squared_lengths(features: Floats) -> Doubles:
    """The dot product of every row with itself, float64 [N], by the same exact sum as the search."""
    squares, chains = np.empty(features.shape[0]), np.empty(CHAINS)
    for i in range(features.shape[0]):
        squares[i] = chained_dot(features[i], features[i], chains)
    return squares


@njit(nogil=True, cache=True)
def hash_rows(features: Floats, rows: Ints) -> NDArray[np.uint64]:
    """A number for each row that equal rows share (Fowler, Noll and Vo's FNV-1a over the words of its bytes).

    Args:
        features: float32 [N, D].
        rows: int64 [r].

    Returns:
        uint64 [r].
    """
    # Each turn mixes the next 32 bits of the row into the value; products wrap around modulo 2^64, as the
    # hash wants. Different rows may share a hash: the caller compares the rows themselves.
    hashes = np.empty(rows.size, np.uint64)
    for i in range(rows.size):
        value = np.uint64(14695981039346656037)
        for word in features[rows[i]].view(np.uint32):
            value = (value ^ np.uint64(word)) * np.uint64(1099511628211)
        hashes[i] = value
    return hashes


def similarities(left: Floats, right: Floats) -> Doubles:
    """All dot products of two small tables, by the same exact sum as the search.

    Args:
        left: float32 [a, D].
        right: float32 [b, D].

    Returns:
        float64 [a, b].

    Raises:
        FeatureError: the widths differ, or a value is NaN or infinite.

    >>> similarities(np.eye(2, dtype=np.float32), np.array([[3, 4]], np.float32)).tolist()
    [[3.0], [4.0]]
    """
    check_search({"left": left, "right": right}, NumNeighbours(0, 0))
    products = np.empty((len(left), len(right)))
    exact_products(left, np.arange(len(left)), right, np.arange(len(right)), products)
    return products
