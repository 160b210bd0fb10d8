"""Exact nearest neighbours by dot product, with one answer for every cut into shards, blocks and threads, and every product.

The lists of a table in itself and of two shards in each other multiply each pair of rows once. Lists are ordered by
(similarity descending, id ascending), similarities being the float64 sums of `exact.exact_dot`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from raydist.errors import ConfigError, FeatureError
from raydist.neighbours.search.certified import (
    BLOCK,
    DEVICE_BLOCK,
    Level,
    Plan,
    memory_of,
    search_both,
    search_itself,
    search_one,
)
from raydist.neighbours.search.exact import exact_dot, exact_products
from raydist.neighbours.search.products import multiplies_halves
from raydist.neighbours.search.ranked import PADDING, GroupedLists, Ranked, merge_topk
from raydist.neighbours.search.sweep import SearchReport
from raydist.neighbours.search.tables import Table
from raydist.types import Doubles, Floats, Ints, check_features

__all__ = [
    "PADDING", "Doubles", "GroupedLists", "Precision", "Ranked", "SearchReport", "exact_dot", "merge_topk", "neighbour_lists",
    "pair_lists", "search_memory", "shard_topk", "shard_topk_by_group", "similarities", "top_k",
]  # fmt: skip

Precision = Literal["auto", "fp32", "bf16", "exact"]
"""The product that proposes candidates: by numpy, by torch, or none at all; "auto" for what is fastest here.

bf16 is, for many rows, where the CPU has instructions for it; exact sums alone are for a few rows.
"""

_FEW_MULTIPLICATIONS = 2**22
_MANY_PAIRS = 2**24
_LARGEST = 1e30  # the sum of all squares: far from where a float32 product overflows


def neighbour_lists(
    features: Floats,
    *,
    num_within: int,
    num_across: int = 0,
    group: Ints | None = None,
    ids: Ints | None = None,
    precision: Precision = "auto",
    threads: int = 1,
    memory_budget: int | None = None,
    device: str | None = None,
) -> tuple[GroupedLists, SearchReport]:
    """The nearest rows of every row of one table, itself left out; each pair of rows is multiplied once.

    Args:
        features: float32 [N, D].
        num_within: neighbours from the row's own group; from the whole table without groups.
        num_across: neighbours from all other groups.
        group: int64 [N], cameras or modalities; None when all rows are one group.
        ids: int64 [N], unique and >= 0: what the rows are called in the result; 0..N-1 when None.
        precision: of the product that proposes candidates; it changes the time and never the result.
        threads: how many blocks are worked on at once; changes the time, never the result.
        memory_budget: bytes that the search may take above the features, see `search_memory`; None for no bound.
        device: a torch device for the products, which are bf16 there; None for the CPU.

    Returns:
        The lists within [N, min(num_within, N)] and across [N, min(num_across, N)], each by (similarity descending, id
        ascending) with empty seats last, and what was done.

    Raises:
        FeatureError: not a float32 matrix, or a value is NaN, infinite or huge.
        ConfigError: a number of neighbours is negative, or the budget is too small.

    >>> x = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> (within, across), report = neighbour_lists(x, num_within=1)
    >>> within[0].tolist()
    [[1], [0], [0]]
    """
    wants = (min(num_within, len(features)), min(num_across, len(features)))
    _check({"features": features}, wants)
    ids = np.arange(len(features)) if ids is None else ids
    table = Table.of(features, ids, group)
    block = _block(features.shape, wants, precision, threads, memory_budget)
    plan = _plan(table, table, precision, threads, block, device)
    lists, report = search_itself(table, wants, plan)
    return _by_row(table, lists), report


def pair_lists(
    left: Floats,
    right: Floats,
    *,
    num_within: int,
    num_across: int = 0,
    left_ids: Ints,
    right_ids: Ints,
    left_group: Ints | None = None,
    right_group: Ints | None = None,
    left_least: tuple[Doubles, Doubles] | None = None,
    right_least: tuple[Doubles, Doubles] | None = None,
    precision: Precision = "auto",
    threads: int = 1,
    memory_budget: int | None = None,
    device: str | None = None,
) -> tuple[GroupedLists, GroupedLists, SearchReport]:
    """The nearest rows of two shards in each other, out of one product: what two shards of a half ring do when they meet.

    The neighbours of a shard's rows in the whole table are `merge_topk` of its own `neighbour_lists` and of its side of
    the pairs with all other shards.

    Args:
        left: float32 [l, D].
        right: float32 [r, D], other rows than the left ones.
        num_within: see `neighbour_lists`; so are the arguments that are not named here.
        num_across: neighbours from all other groups.
        left_ids: int64 [l], what the left rows are called in the result; unique and >= 0.
        right_ids: int64 [r].
        left_group: int64 [l], or None when all rows of both sides are one group.
        right_group: int64 [r].
        left_least: float64 [l] within and across, the last similarities of lists that the left rows have already: neighbours
            that are less similar may be left out, since the merged lists would not keep them. None for none.
        right_least: float64 [r] within and across.

    Returns:
        The lists of the left rows in the right shard, those of the right rows in the left shard, and what was done.

    >>> x = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    >>> left, right, _ = pair_lists(x[:1], x[1:], num_within=1, left_ids=np.array([0]), right_ids=np.array([1, 2]))
    >>> left[0][0].tolist(), right[0][0].tolist()
    ([[1]], [[0], [0]])
    """
    most = max(len(left), len(right))
    wants = (min(num_within, most), min(num_across, most))
    _check({"left": left, "right": right}, wants)
    tables = Table.of(left, left_ids, left_group), Table.of(right, right_ids, right_group)
    both = (len(left) + len(right), left.shape[1])
    plan = _plan(*tables, precision, threads, _block(both, wants, precision, threads, memory_budget), device)
    least = _least(tables[0], left_least), _least(tables[1], right_least)
    forth, back, report = search_both(*tables, wants, plan, least)
    return _by_row(tables[0], forth), _by_row(tables[1], back), report


def shard_topk(
    queries: Floats,
    shard: Floats,
    *,
    k: int,
    shard_ids: Ints,
    exclude: Ints | None = None,
    precision: Precision = "auto",
    threads: int = 1,
    block: int = BLOCK,
) -> Ranked:
    """The k rows of a shard that are most similar to each query.

    Args:
        queries: float32 [q, D].
        shard: float32 [m, D].
        k: how many neighbours, >= 0.
        shard_ids: int64 [m], unique and >= 0: what the rows are called in the result.
        exclude: int64 [q], for each query an id that is left out (its own); -1 or None leaves nobody out.
        precision: see `neighbour_lists`.
        threads: see `neighbour_lists`.
        block: rows and columns that are multiplied at one time.

    Returns:
        Ids and similarities [q, min(k, m)] by (similarity descending, id ascending). A seat stays empty where the
        excluded row leaves one: id -1, similarity -inf.

    Raises:
        FeatureError: the widths differ, or a value is NaN or infinite.
        ConfigError: k is negative.

    >>> x = np.eye(3, dtype=np.float32)
    >>> shard_topk(x[:1], x, k=2, shard_ids=np.array([7, 5, 6]))[0].tolist()
    [[7, 5]]
    """
    everybody = {
        "query_group": np.zeros(len(queries), np.int64),
        "shard_group": np.zeros(len(shard), np.int64),
    }
    return shard_topk_by_group(
        queries, shard, num_within=k, num_across=0, **everybody, shard_ids=shard_ids, exclude=exclude,
        precision=precision, threads=threads, block=block,
    )[0]  # fmt: skip


def shard_topk_by_group(
    queries: Floats,
    shard: Floats,
    *,
    num_within: int,
    num_across: int,
    query_group: Ints,
    shard_group: Ints,
    shard_ids: Ints,
    exclude: Ints | None = None,
    precision: Precision = "auto",
    threads: int = 1,
    block: int = BLOCK,
) -> GroupedLists:
    """The most similar rows of each query's own group, and those of all other groups.

    Args:
        queries: float32 [q, D].
        shard: float32 [m, D].
        num_within: neighbours from the query's own group (camera, modality).
        num_across: neighbours from any other group.
        query_group: int64 [q].
        shard_group: int64 [m].
        shard_ids: int64 [m], unique.
        exclude: int64 [q], an id that is left out of each query's list, or None.
        precision: see `neighbour_lists`.
        threads: see `neighbour_lists`.
        block: see `shard_topk`.

    Returns:
        The lists within [q, min(num_within, m)] and across [q, min(num_across, m)], padded with empty seats.
    """
    wants = (min(num_within, len(shard)), min(num_across, len(shard)))
    _check({"queries": queries, "shard": shard}, wants)
    left = Table.of(queries, np.full(len(queries), PADDING) if exclude is None else exclude, query_group)
    right = Table.of(shard, shard_ids, shard_group)
    blank = _places(left.ids, right.ids)
    lists, _ = search_one(left, right, wants, _plan(left, right, precision, threads, block, None), blank)
    return _by_row(left, lists)


def top_k(features: Floats, *, k: int, threads: int = 1) -> Ranked:
    """The k nearest rows of every row of a table, itself included.

    A row always comes first in its own list, with similarity 1, even where others have the very same feature: the
    k-reciprocal formulas count on it.

    Args:
        features: float32 [N, D], rows of unit length.
        k: how many neighbours, the row itself included.
        threads: see `neighbour_lists`.

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
    rows = np.arange(len(features))
    ((ids, similarities), _), _ = neighbour_lists(features, num_within=k - 1, threads=threads)
    return np.column_stack((rows, ids))[:, : len(rows)], np.column_stack((np.ones(len(rows)), similarities))[
        :, : len(rows)
    ]


def similarities(left: Floats, right: Floats) -> Doubles:
    """All dot products of two small tables, by the same exact sum as the search.

    Args:
        left: float32 [a, D].
        right: float32 [b, D].

    Returns:
        float64 [a, b].

    Raises:
        FeatureError: the widths differ, or a value is NaN or infinite.
    """
    _check({"left": left, "right": right}, (0,))
    table = np.empty((len(left), len(right)))
    exact_products(left, np.arange(len(left)), right, np.arange(len(right)), table)
    return table


def search_memory(
    num_rows: int,
    width: int,
    *,
    num_within: int,
    num_across: int = 0,
    precision: Precision = "auto",
    threads: int = 1,
    block: int = BLOCK,
) -> int:
    """The most bytes that `neighbour_lists` takes above the features; no less than `pair_lists` takes for N rows on both sides.

    It is the table as it is multiplied (2 or 4 bytes a number), the candidates and lists of every row, a block of scores
    for every thread, and what a search of unproven rows needs for a few thousand of them at a time.

    Args:
        num_rows: N.
        width: D.
        num_within: see `neighbour_lists`; so are the arguments that are not named here.
        num_across: neighbours from all other groups.
        block: rows and columns of a block.

    >>> search_memory(20_000, 2048, num_within=29, precision="bf16", threads=2) / 1e6 < 250
    True
    """
    halves = precision == "bf16" or (precision == "auto" and multiplies_halves())
    wants = (num_within, num_across)
    return memory_of(num_rows, width, wants, item_bytes=2 if halves else 4, block=block, threads=threads)


def _check(tables: dict[str, Floats], wants: tuple[int, ...]) -> None:
    for name, table in tables.items():
        if table.ndim != 2 or table.dtype != np.float32:
            raise FeatureError(
                f"{name} of shape {table.shape} and type {table.dtype}: expected a float32 matrix"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.vdot(table, table)  # one fast pass
        if not squares < _LARGEST:
            bad = (~np.isfinite(table)).any(axis=1).sum()
            what = (
                f"{bad} rows hold NaN or infinite values"
                if bad
                else f"a value of {np.abs(table).max():g} is too large"
            )
            raise FeatureError(f"{name}: {what}; check what computed them")
    widths = {name: table.shape[1] for name, table in tables.items()}
    if len(set(widths.values())) > 1:
        first, second = widths
        raise FeatureError(
            f"{first} are {widths[first]} wide and the {second} {widths[second]}: they must be of one encoder"
        )
    if min(wants) < 0:
        raise ConfigError(f"k = {min(wants)}: the number of neighbours must be >= 0")


def _plan(
    left: Table, right: Table, precision: Precision, threads: int, block: int, device: str | None
) -> Plan:
    if device is not None and precision == "fp32":
        raise ConfigError(
            f"precision fp32 on device {device!r}: products on a device are bf16; leave the precision out"
        )
    pairs = len(left) * len(right)
    few = pairs * left.features.shape[1] <= _FEW_MULTIPLICATIONS
    if pairs == 0 or precision == "exact" or (precision == "auto" and few):
        return Plan((), block, threads)
    many = pairs >= _MANY_PAIRS and multiplies_halves()
    halves = precision == "bf16" or device is not None or (precision == "auto" and many)
    levels: tuple[Level, ...] = ("bf16", "fp32") if halves else ("fp32",)
    return Plan(levels, block if device is None else DEVICE_BLOCK, threads, device)


def _block(
    shape: tuple[int, ...], wants: tuple[int, int], precision: Precision, threads: int, budget: int | None
) -> int:
    """The largest block that a budget allows for so many rows of so many numbers."""
    num_rows, width = shape
    for block in (BLOCK, BLOCK // 2, BLOCK // 4, BLOCK // 8):
        needed = search_memory(
            num_rows,
            width,
            num_within=wants[0],
            num_across=wants[1],
            precision=precision,
            threads=threads,
            block=block,
        )
        if budget is None or needed <= budget:
            return block
    raise ConfigError(
        f"memory_budget = {budget:,} bytes: {num_rows} rows of {width} numbers need {needed:,}; "
        "raise the budget, or spread the rows over more shards"
    )


def _places(ids: Ints, others: Ints) -> Ints:
    """Where each id stands among others; -1 where it does not."""
    if not len(others):
        return np.full(len(ids), -1)
    order = np.argsort(others)
    places = order[np.minimum(np.searchsorted(others, ids, sorter=order), len(others) - 1)]
    return np.where(others[places] == ids, places, -1)


def last_similarities(lists: GroupedLists, *, num_within: int, num_across: int) -> tuple[Doubles, Doubles]:
    """What a further neighbour must be as similar as, to change full lists; -inf where a seat is empty.

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


def _least(table: Table, by_row: tuple[Doubles, Doubles] | None) -> tuple[Doubles, Doubles] | None:
    """By place."""
    return None if by_row is None else (by_row[0][table.rows], by_row[1][table.rows])


def _by_row(table: Table, lists: GroupedLists) -> GroupedLists:
    """Lists in the order of the table's rows, out of those in the order of its places."""
    places = np.empty_like(table.rows)
    places[table.rows] = np.arange(len(table))
    (within, near), (across, far) = lists
    return (within[places], near[places]), (across[places], far[places])
