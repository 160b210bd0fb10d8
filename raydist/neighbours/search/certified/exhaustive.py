"""Lists out of all exact products: for a few rows, and for those that no fast product can prove."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import thread_time

import numpy as np

from raydist.neighbours.search.certified.ranking import rank_products
from raydist.neighbours.search.certified.tables import Table, spans
from raydist.neighbours.search.exact import exact_products, hash_rows
from raydist.neighbours.search.ranked import GroupedLists, NumNeighbours, empty_lists
from raydist.neighbours.search.report import SearchReport
from raydist.types import Ints

PRODUCTS_AT_ONCE = 2**18
"""Exact products that a thread holds at one time."""

_ROWS_AT_ONCE = 4096


def search_exhaustively(
    left: Table, right: Table, wanted: NumNeighbours, excluded: Ints, *, threads: int
) -> tuple[GroupedLists, SearchReport]:
    """The lists of all left rows in the right table, in the order of their positions.

    Args:
        left: l rows.
        right: r rows.
        wanted: how many neighbours within and across.
        excluded: int64 [l], a position of the right table that is left out; -1 for none.
        threads: how many spans of rows are worked on at once.
    """
    lists = tuple(empty_lists(len(left), min(k, len(right))) for k in wanted)
    distinct, copy_of = _distinct(right)
    start = np.searchsorted(right.group, left.group)
    stop = np.searchsorted(right.group, left.group, side="right")

    def rank(span: slice) -> None:
        products = np.empty((span.stop - span.start, len(distinct)))
        exact_products(left.features, left.rows[span], right.features, right.rows[distinct], products)
        own_group = start[span], stop[span]
        for (ids, similarities), inside in zip(lists, (True, False), strict=True):
            if ids.size:
                part = ids[span], similarities[span]
                rank_products(products, copy_of, right.ids, own_group, inside, excluded[span], part)

    step = max(1, PRODUCTS_AT_ONCE // max(1, len(distinct)))
    seconds = run_timed(rank, list(spans(len(left), step)), threads=threads)
    return (lists[0], lists[1]), SearchReport(exact_seconds=seconds)


def run_timed(function: Callable[[slice], None], work: Sequence[slice], *, threads: int) -> float:
    """Call a function for all spans of rows, some at once, and return the CPU seconds it took.

    Args:
        function: what is called.
        work: the spans.
        threads: how many are worked on at once.
    """

    def timed(span: slice) -> float:
        start = thread_time()
        function(span)
        return thread_time() - start

    if threads == 1 or len(work) < 2:
        return sum(map(timed, work))
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(timed, work))


def _distinct(table: Table) -> tuple[Ints, Ints]:
    """Positions of rows that differ from each other, and for every position which of them it is a copy of."""
    hashes = hash_rows(table.features, table.rows)
    _, first, copy_of = np.unique(hashes, return_index=True, return_inverse=True)
    for span in spans(len(table), _ROWS_AT_ONCE):
        originals = table.features[table.rows[first[copy_of[span]]]]
        if not np.array_equal(table.features[table.rows[span]], originals):
            return np.arange(len(table)), np.arange(len(table))  # rows that differ have the same hash
    return first, copy_of
