"""Exact nearest neighbours by dot product: the entry of the search.

- `neighbour_lists`: every row of a table among the others; `top_k`: the row itself included.
- `pair_lists`: the rows of two shards in each other.
- `shard_topk`, `shard_topk_by_group`: queries in a shard.

There is one answer for every cut into shards, blocks and threads, and for every product: lists are ordered by
(similarity descending, id ascending), similarities being the float64 sums of `exact.exact_dot`. Lists of a
table in itself and of two shards in each other multiply each pair of rows once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from raydist.errors import ConfigError
from raydist.neighbours.search.certified.plan import choose_plan
from raydist.neighbours.search.certified.search import search_both, search_itself, search_one
from raydist.neighbours.search.certified.tables import Table
from raydist.neighbours.search.memory import largest_block
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import (
    PADDING,
    GroupedLists,
    LeastSimilarities,
    NumNeighbours,
    Ranked,
)
from raydist.neighbours.search.report import SearchReport
from raydist.neighbours.search.rows import Rows, check_search
from raydist.types import Floats, Ints, check_features

__all__ = [
    "PADDING", "GroupedLists", "Ranked", "Rows", "SearchOptions", "SearchReport", "neighbour_lists",
    "pair_lists", "shard_topk", "shard_topk_by_group", "top_k",
]  # fmt: skip


def neighbour_lists(
    features: Floats,
    *,
    num_within: int,
    num_across: int = 0,
    group: Ints | None = None,
    ids: Ints | None = None,
    options: SearchOptions = SearchOptions(),
) -> tuple[GroupedLists, SearchReport]:
    """The nearest rows of every row of one table, itself left out; each pair of rows is multiplied once.

    Args:
        features: float32 [N, D].
        num_within: neighbours from the row's own group; from the whole table without groups.
        num_across: neighbours from all other groups.
        group: int64 [N], cameras or modalities; None when all rows are one group.
        ids: int64 [N], unique and >= 0: what the rows are called in the result; 0..N-1 when None.
        options: of the search; they change its time and memory, never the result.

    Returns:
        The lists within [N, min(num_within, N)] and across [N, min(num_across, N)], each by (similarity
        descending, id ascending) and padded with id -1 and similarity -inf, and what was done.

    Raises:
        FeatureError: not a float32 matrix, or a value is NaN, infinite or huge.
        ConfigError: a number of neighbours is negative, the budget is too small, or float32 products are
            asked for on a device.

    >>> x = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> (within, across), report = neighbour_lists(x, num_within=1)
    >>> within[0].tolist()
    [[1], [0], [0]]
    """
    rows = Rows(features, ids, group)
    wanted = NumNeighbours(num_within, num_across).at_most(len(rows))
    check_search({"features": features}, wanted)
    table = Table.of(features, rows.row_ids, group)
    block = largest_block(len(rows), features.shape[1], wanted, options)
    lists, report = search_itself(table, wanted, choose_plan(table, table, options, block))
    return _by_row(table, lists), report


def pair_lists(
    left: Rows,
    right: Rows,
    *,
    num_within: int,
    num_across: int = 0,
    options: SearchOptions = SearchOptions(),
) -> tuple[GroupedLists, GroupedLists, SearchReport]:
    """The nearest rows of two shards in each other, out of one product.

    The neighbours of a shard's rows in the whole table are `merge_topk` of its own `neighbour_lists` and of
    its side of the pairs with all other shards.

    Args:
        left: l rows.
        right: r other rows, with other ids; with groups where the left ones have them.
        num_within: neighbours from the row's own group; from all rows without groups.
        num_across: neighbours from all other groups.
        options: of the search; they change its time and memory, never the result.

    Returns:
        The lists of the left rows in the right shard, those of the right rows in the left shard, and what was
        done. Neighbours less similar than `Rows.least` may be missing: lists that are full already would not
        take them.

    Raises:
        FeatureError: see `neighbour_lists`; or the widths differ.
        ConfigError: see `neighbour_lists`.

    >>> x = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    >>> left, right, _ = pair_lists(Rows(x[:1]), Rows(x[1:], ids=np.array([1, 2])), num_within=1)
    >>> left[0][0].tolist(), right[0][0].tolist()
    ([[1]], [[0], [0]])
    """
    wanted = NumNeighbours(num_within, num_across).at_most(max(len(left), len(right)))
    check_search({"left": left.features, "right": right.features}, wanted)
    first = Table.of(left.features, left.row_ids, left.group)
    second = Table.of(right.features, right.row_ids, right.group)
    block = largest_block(len(left) + len(right), left.features.shape[1], wanted, options)
    plan = choose_plan(first, second, options, block)
    least = _by_position(first, left.least), _by_position(second, right.least)
    forth, back, report = search_both(first, second, wanted, plan, least)
    return _by_row(first, forth), _by_row(second, back), report


def shard_topk(
    queries: Floats,
    shard: Floats,
    *,
    k: int,
    shard_ids: Ints,
    exclude: Ints | None = None,
    options: SearchOptions = SearchOptions(),
) -> Ranked:
    """The k rows of a shard that are most similar to each query.

    Args:
        queries: float32 [q, D].
        shard: float32 [m, D].
        k: how many neighbours, >= 0.
        shard_ids: int64 [m], unique and >= 0: what the rows are called in the result.
        exclude: int64 [q], for each query an id that is left out (its own); -1 or None leaves out none.
        options: of the search; they change its time, never the result.

    Returns:
        Ids and similarities [q, min(k, m)] by (similarity descending, id ascending). Where the excluded row
        leaves too few, the list is padded with id -1 and similarity -inf.

    Raises:
        FeatureError: the widths differ, or a value is NaN or infinite.
        ConfigError: k is negative.

    >>> x = np.eye(3, dtype=np.float32)
    >>> shard_topk(x[:1], x, k=2, shard_ids=np.array([7, 5, 6]))[0].tolist()
    [[7, 5]]
    """
    rows, others = Rows(queries), Rows(shard, shard_ids)
    return shard_topk_by_group(rows, others, num_within=k, num_across=0, exclude=exclude, options=options)[0]


def shard_topk_by_group(
    queries: Rows,
    shard: Rows,
    *,
    num_within: int,
    num_across: int,
    exclude: Ints | None = None,
    options: SearchOptions = SearchOptions(),
) -> GroupedLists:
    """The most similar rows of each query's own group, and those of all other groups.

    Args:
        queries: q rows; their ids do not matter.
        shard: m rows; with groups where the queries have them.
        num_within: neighbours from the query's own group (camera, modality).
        num_across: neighbours from any other group.
        exclude: int64 [q], an id that is left out of each query's lists; -1 or None for none.
        options: of the search; they change its time, never the result.

    Returns:
        The lists within [q, min(num_within, m)] and across [q, min(num_across, m)], padded.
    """
    wanted = NumNeighbours(num_within, num_across).at_most(len(shard))
    check_search({"queries": queries.features, "shard": shard.features}, wanted)
    excluded_ids = np.full(len(queries), PADDING) if exclude is None else exclude
    left = Table.of(queries.features, excluded_ids, queries.group)
    right = Table.of(shard.features, shard.row_ids, shard.group)
    plan = choose_plan(left, right, replace(options, device=None), options.block)
    lists, _ = search_one(left, right, wanted, plan, _positions(left.ids, right.ids))
    return _by_row(left, lists)


def top_k(features: Floats, *, k: int, options: SearchOptions = SearchOptions()) -> Ranked:
    """The k nearest rows of every row of a table, itself included.

    A row always comes first in its own list, with similarity 1, even where others have the very same feature:
    the k-reciprocal formulas count on it.

    Args:
        features: float32 [N, D], rows of unit length.
        k: how many neighbours, the row itself included.
        options: see `neighbour_lists`.

    Returns:
        Ids and similarities [N, min(k, N)].

    Raises:
        FeatureError: a value is not finite, or a row is not of unit length.
        ConfigError: k < 1.

    >>> x = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> top_k(x, k=2)[0].tolist()
    [[0, 1], [1, 0], [2, 0]]
    """
    check_features(features)
    if k < 1:
        raise ConfigError(f"k = {k}: a row is its own first neighbour, so k must be >= 1")
    num_rows = len(features)
    ((ids, similarities), _), _ = neighbour_lists(features, num_within=k - 1, options=options)
    all_ids = np.column_stack((np.arange(num_rows), ids))
    all_similarities = np.column_stack((np.ones(num_rows), similarities))
    return all_ids[:, :num_rows], all_similarities[:, :num_rows]


def _positions(ids: Ints, others: Ints) -> Ints:
    """The position of each id among others; -1 where it is not one of them."""
    if not len(others):
        return np.full(len(ids), -1)
    order = np.argsort(others)
    positions = order[np.minimum(np.searchsorted(others, ids, sorter=order), len(others) - 1)]
    return np.where(others[positions] == ids, positions, -1)


def _by_position(table: Table, by_row: LeastSimilarities | None) -> LeastSimilarities | None:
    return None if by_row is None else (by_row[0][table.rows], by_row[1][table.rows])


def _by_row(table: Table, lists: GroupedLists) -> GroupedLists:
    """Lists in the order of the table's rows, out of those in the order of its positions."""
    positions = np.empty_like(table.rows)
    positions[table.rows] = np.arange(len(table))
    (within, near), (across, far) = lists
    return (within[positions], near[positions]), (across[positions], far[positions])
