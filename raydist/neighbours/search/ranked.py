"""Ranked lists: ids with their similarities, best first, and the order in which all lists are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from raydist.types import Doubles, Ints

Ranked = tuple[Ints, Doubles]
"""Neighbour ids int64 [q, K] and similarities float64 [q, K], best first, padded with -1 and -inf."""

GroupedLists = tuple[Ranked, Ranked]
"""The neighbours of some rows within their own groups, and those across, in all other groups."""

LeastSimilarities = tuple[Doubles, Doubles]
"""float64 [n] within and across: less similar neighbours need not be returned; -inf for all."""

PADDING = -1
"""The id that fills a list with fewer neighbours than columns."""


class NumNeighbours(NamedTuple):
    """How many neighbours are wanted from a row's own group, and from all other groups."""

    within: int
    across: int

    def at_most(self, num_rows: int) -> NumNeighbours:
        """No more than there are rows."""
        return NumNeighbours(min(self.within, num_rows), min(self.across, num_rows))


def empty_lists(num_rows: int, width: int) -> Ranked:
    """Lists without neighbours: all padding."""
    return np.full((num_rows, width), PADDING, np.int64), np.full((num_rows, width), -np.inf)


def merge_topk(parts: Sequence[Ranked], *, k: int) -> Ranked:
    """One ranked list out of the lists of several shards.

    Args:
        parts: ids and similarities [q, K_s] of each shard; at least one.
        k: how many neighbours are kept.

    Returns:
        Ids and similarities [q, min(k, sum of K_s)] by (similarity descending, id ascending), in whatever
        order the shards are given.

    >>> near, far = (np.array([[4]]), np.array([[0.5]])), (np.array([[2]]), np.array([[0.5]]))
    >>> merge_topk([near, far], k=2)[0].tolist()
    [[2, 4]]
    """
    ids = np.concatenate([part[0] for part in parts], axis=1)
    similarities = np.concatenate([part[1] for part in parts], axis=1)
    order = np.lexsort((ids, -similarities), axis=-1)[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(similarities, order, axis=1)


def last_similarities(lists: GroupedLists, *, num_within: int, num_across: int) -> LeastSimilarities:
    """How similar a further neighbour must be to enter lists that are full; -inf where they are not.

    Args:
        lists: of n rows.
        num_within: how many neighbours are wanted within.
        num_across: how many across.

    Returns:
        float64 [n] within and across.
    """
    lasts = []
    for (_, similarities), k in zip(lists, (num_within, num_across), strict=True):
        full = 0 < k <= similarities.shape[1]
        lasts.append(similarities[:, k - 1] if full else np.full(len(similarities), -np.inf))
    return lasts[0], lasts[1]


def similarities_of(ranked: Ranked, squares: Doubles) -> Ranked:
    """Lists by distance with the dot products in the place of what ranked them.

    Args:
        ranked: of `raydist.neighbours.search.raw.lists_by_distance`.
        squares: float64 [N], the squared length of every row.
    """
    ids, scores = ranked
    return ids, np.where(ids == PADDING, -np.inf, scores + squares[ids] / 2)


def itself(rows: Ints, squares: Doubles) -> Ranked:
    """The list of one entry that each row is in for itself."""
    return rows[:, None], squares[rows][:, None]
