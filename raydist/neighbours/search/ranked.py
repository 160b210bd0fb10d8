"""Ranked lists: ids with their similarities, best first, and the order in which all lists are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raydist.types import Doubles, Ints

Ranked = tuple[Ints, Doubles]
"""Ids int64 [q, K] and similarities float64 [q, K], best first; empty seats come last, with id -1 and -inf."""

GroupedLists = tuple[Ranked, Ranked]
"""The neighbours of some rows within their own groups, and those across, in all other groups."""

PADDING = -1
"""The id in an empty seat."""


def empty_lists(num_rows: int, width: int) -> Ranked:
    """Lists of empty seats."""
    return np.full((num_rows, width), PADDING, np.int64), np.full((num_rows, width), -np.inf)


def merge_topk(parts: Sequence[Ranked], *, k: int) -> Ranked:
    """One ranked list out of the lists of several shards.

    Args:
        parts: ids and similarities [q, K_s] of each shard; at least one.
        k: how many neighbours are kept.

    Returns:
        Ids and similarities [q, min(k, sum of K_s)] by (similarity descending, id ascending), in whatever order the
        shards are given.

    >>> near, far = (np.array([[4]]), np.array([[0.5]])), (np.array([[2]]), np.array([[0.5]]))
    >>> merge_topk([near, far], k=2)[0].tolist()
    [[2, 4]]
    """
    ids = np.concatenate([part[0] for part in parts], axis=1)
    similarities = np.concatenate([part[1] for part in parts], axis=1)
    order = np.lexsort((ids, -similarities), axis=-1)[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(similarities, order, axis=1)
