"""Kernels that sort neighbours into ranked lists by their exact similarity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raydist.neighbours.search.certified.candidates import COLUMN
from raydist.neighbours.search.exact import CHAINS, chained_dot
from raydist.neighbours.search.ranked import Ranked
from raydist.types import Doubles, Floats, Ints


class FeatureRows(NamedTuple):
    """Rows of a feature table in the order in which they are searched.

    Attributes:
        features: float32 [N, D].
        rows: int64 [n], the row of the features at each position.
    """

    features: Floats
    rows: Ints


@njit(nogil=True, cache=True)
def _insert(similarity: float, new_id: int, similarities: Doubles, ids: Ints) -> None:
    """Insert a neighbour into a list by (similarity descending, id ascending), if it is good enough."""
    # The place is looked for from the end: most neighbours are too bad for the list. Padding (-inf, -1) gives
    # way to every finite similarity. Whatever the order in which neighbours come, the list holds the first K
    # of them all, since their order is total: ids are unique.
    place = ids.size
    while place > 0 and (
        similarity > similarities[place - 1]
        or (similarity == similarities[place - 1] and new_id < ids[place - 1])
    ):
        place -= 1
    for later in range(ids.size - 1, place, -1):
        similarities[later] = similarities[later - 1]
        ids[later] = ids[later - 1]
    if place < ids.size:
        similarities[place] = similarity
        ids[place] = new_id


@njit(nogil=True, cache=True)
def rank_candidates(
    order: Ints,
    left: FeatureRows,
    right: FeatureRows,
    right_ids: Ints,
    packed: Ints,
    size: NDArray[np.int32],
    lists: Ranked,
) -> None:
    """Rank the candidates of some left rows by their exact similarity.

    Args:
        order: int64 [v], the positions of the left rows, in the order in which they are worked on.
        left: l rows.
        right: r rows.
        right_ids: int64 [r].
        packed: int64 [l, capacity], whose lower 32 bits are positions of right rows.
        size: int32 [l], how many of them are candidates.
        lists: ids int64 [l, K] and similarities float64 [l, K], padded; the rows of `order` are filled.
    """
    # A row's list depends on its own candidates alone: `order` changes what lies in the cache, never a
    # result.
    left_features, left_rows = left
    right_features, right_rows = right
    ids, similarities = lists
    chains = np.empty(CHAINS)
    for i in order:
        for t in range(size[i]):
            c = packed[i, t] & COLUMN
            similarity = chained_dot(left_features[left_rows[i]], right_features[right_rows[c]], chains)
            _insert(similarity, right_ids[c], similarities[i], ids[i])


@njit(nogil=True, cache=True)
def rank_products(
    products: Doubles,
    copy_of: Ints,
    right_ids: Ints,
    own_group: tuple[Ints, Ints],
    inside: bool,
    excluded: Ints,
    lists: Ranked,
) -> None:
    """Rank all columns of each row's own group, or with `inside` false those of all other groups.

    Args:
        products: float64 [l, d], exact products with the right rows that differ from each other.
        copy_of: int64 [r], which of these each right row equals.
        right_ids: int64 [r].
        own_group: int64 [l] each, first and last + 1 column of each row's own group.
        inside: whether the own group is ranked.
        excluded: int64 [l], a column that is left out; -1 for none.
        lists: ids int64 [l, K >= 1] and similarities float64 [l, K], padded.
    """
    # A column below the last entry of the list cannot enter it, so the insertion is not even called; an equal
    # one may, by its id. Columns are visited in their own order, which changes no list.
    start, stop = own_group
    ids, similarities = lists
    for i in range(products.shape[0]):
        for c in range(right_ids.size):
            if (
                (start[i] <= c < stop[i]) == inside
                and c != excluded[i]
                and products[i, copy_of[c]] >= similarities[i, -1]
            ):
                _insert(products[i, copy_of[c]], right_ids[c], similarities[i], ids[i])
