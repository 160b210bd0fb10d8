"""An order of the rows in which neighbours lie together in memory, made from the ranked lists themselves.

Every step after the search hops from a row to its neighbours' rows. In this order they are in the processor's cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from raydist.neighbours.search.ranked import PADDING
from raydist.types import Ints

_LINKED_SEATS = 10


def local_order(ids: np.ndarray) -> Ints:
    """Rows ordered so that neighbours are close to each other.

    Single linkage by rank: every row is linked with its first neighbour, then with its second, and so on. Where a link
    joins two groups, the rows of one are put behind those of the other, so that groups of every size stay together.

    Args:
        ids: int32 [N, K], the ranked lists, best first; -1 in an empty seat.

    Returns:
        int64 [N], the rows in their new order.

    >>> local_order(np.array([[0, 2], [1, 3], [2, 0], [3, 1]], np.int32)).tolist()
    [0, 2, 1, 3]
    """
    return _local_order(ids[:, :_LINKED_SEATS])


@njit(nogil=True, cache=True)
def root_of(parent, row):  # type: ignore[no-untyped-def]
    """The root of a row's tree in a disjoint-set forest; paths are halved on the way."""
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


@njit(nogil=True, cache=True)
def _local_order(ids):  # type: ignore[no-untyped-def]
    """Groups are chains: `behind` leads from each row to the next one, `last` from a root to the end of its chain."""
    num_rows = ids.shape[0]
    parent, last = np.arange(num_rows), np.arange(num_rows)
    behind = np.full(num_rows, PADDING)
    for a in range(ids.shape[1]):
        for i in range(num_rows):
            if ids[i, a] == PADDING:
                continue
            left, right = root_of(parent, i), root_of(parent, ids[i, a])
            if left != right:
                behind[last[left]] = right
                last[left] = last[right]
                parent[right] = left
    order = np.empty(num_rows, np.int64)
    count = 0
    for i in range(num_rows):
        row = i if parent[i] == i else PADDING
        while row != PADDING:
            order[count] = row
            row = behind[row]
            count += 1
    return order
