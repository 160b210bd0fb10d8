"""An order of the rows in which neighbours lie together in memory, made from the ranked lists themselves.

Every step after the search hops from a row to its neighbours' rows. In this order they are in the processor's
cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raydist.neighbours.search.ranked import PADDING
from raydist.types import Ints

_LINKED_RANKS = 10  # neighbours that are linked; more change the order little


def local_order(ids: NDArray[np.int32]) -> Ints:
    """Rows ordered so that neighbours are close to each other.

    Single linkage by rank: every row is linked with its first neighbour, then with its second, and so on.
    Where a link joins two groups, the rows of one are put behind those of the other, so that groups of every
    size stay together.

    Args:
        ids: int32 [N, K], the ranked lists, best first; padded with -1.

    Returns:
        int64 [N], the rows in their new order.

    >>> local_order(np.array([[0, 2], [1, 3], [2, 0], [3, 1]], np.int32)).tolist()
    [0, 2, 1, 3]
    """
    return _local_order(ids[:, :_LINKED_RANKS])


@njit(nogil=True, cache=True)
def root_of(parent: Ints, row: int) -> int:
    """The root of a row's tree in a disjoint-set forest.

    Every row on the way is linked to its grandparent, which halves the path for the next time.

    Args:
        parent: int64 [N], the parent of each row, a root its own; changed in place.
        row: a row.
    """
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


@njit(nogil=True, cache=True)
def _local_order(ids: NDArray[np.int32]) -> Ints:
    """See `local_order`. Groups are chains of rows, so that putting one behind another takes one link."""
    num_rows = ids.shape[0]
    # A disjoint-set forest of groups, and the end of the chain of each root.
    parent, last = np.arange(num_rows), np.arange(num_rows)
    behind = np.full(num_rows, PADDING)  # the next row of a chain
    for a in range(ids.shape[1]):
        for i in range(num_rows):
            if ids[i, a] == PADDING:
                continue
            left, right = root_of(parent, i), root_of(parent, ids[i, a])
            if left != right:
                behind[last[left]] = right
                last[left] = last[right]
                parent[right] = left
    # A root is the first row of its chain, as the group on the left keeps its root. So every chain is read
    # once.
    order = np.empty(num_rows, np.int64)
    count = 0
    for i in range(num_rows):
        row = i if parent[i] == i else PADDING
        while row != PADDING:
            order[count] = row
            row = behind[row]
            count += 1
    return order
