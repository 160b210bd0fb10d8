"""Certified search: a product proposes, exact sums rank, and each list is proven complete or searched again.

A row is proven when its k-th best similarity is better than any score that was left out could stand for. Rows that a
bfloat16 product leaves unproven are searched with a float32 product, and what that leaves (more copies of a row than
seats, say) with exact sums alone. So lists are exact for every input, and what is hard costs time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import thread_time
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from raydist.neighbours.search.device import sweep_on_device
from raydist.neighbours.search.exact import exact_products, hash_rows, rank_candidates, rank_everybody
from raydist.neighbours.search.products import HalfProduct, Product, SingleProduct
from raydist.neighbours.search.ranked import GroupedLists, Ranked, empty_lists
from raydist.neighbours.search.selection import LOWEST, Seats, lowest_label, most_kept, room, sift_rows
from raydist.neighbours.search.sweep import GroupedSeats, SearchReport, Sweep
from raydist.neighbours.search.tables import Operand, Table, centre_of, spans
from raydist.types import Doubles, Floats, Ints

Level = Literal["bf16", "fp32"]
Wants = tuple[int, int]
Least = tuple[Doubles, Doubles]
"""float64 [n] within and across, by place: less similar neighbours need not be found; -inf for all."""

BLOCK = 512
"""Rows and columns of a block on the CPU: enough for the fastest products, and its scores stay in the cache."""

DEVICE_BLOCK = 8192
"""Rows and columns of a block on a device."""

_QUERIES = 4096
_TABLE_VALUES = 2**18


@dataclass(frozen=True)
class Plan:
    """How to search; it changes the time and never the result.

    Attributes:
        levels: precisions of the products, the next for rows that one leaves unproven; after the last come exact sums.
        block: rows and columns of a block.
        threads: how many blocks are worked on at once.
        device: a torch device for the first product, or None.
    """

    levels: tuple[Level, ...]
    block: int
    threads: int
    device: str | None = None

    @property
    def product(self) -> Product:
        """The product of the first level."""
        return HalfProduct(self.device or "cpu") if self.levels[0] == "bf16" else SingleProduct()

    def run(self, sweep: Sweep) -> SearchReport:
        """Do a sweep of the first level."""
        product = sweep.left.product
        if self.device is not None and isinstance(product, HalfProduct):
            return sweep_on_device(sweep, product, block=self.block)
        return sweep.run(block=self.block, threads=self.threads)

    def next(self) -> Plan:
        """What is done with the rows that the first level leaves unproven."""
        return Plan(self.levels[1:], min(self.block, BLOCK), self.threads)


def memory_of(num_rows: int, width: int, wants: Wants, *, item_bytes: int, block: int, threads: int) -> int:
    """The most bytes that `search_itself` takes for N rows of D numbers, above their features.

    Args:
        num_rows: N.
        width: D.
        wants: how many neighbours within and across.
        item_bytes: of the numbers that are multiplied.
        block: rows and columns of a block.
        threads: how many blocks are worked on at once.
    """
    seats = 8 * sum(map(room, wants)) + 64
    lists = 2 * 16 * sum(wants) + 64  # in the order of the search, and of the table
    held = (item_bytes * width + seats + lists) * num_rows
    blocks = threads * (20 * block**2 + 12 * width * max(block, 1024))
    again = (4 * width + seats + lists) * min(num_rows, _QUERIES) + 8 * threads * _TABLE_VALUES
    return held + blocks + again


def search_itself(table: Table, wants: Wants, plan: Plan) -> tuple[GroupedLists, SearchReport]:
    """The lists of all rows of a table in itself, by place; each pair is multiplied once."""
    own, nobody = np.arange(len(table)), np.full(len(table), -1)
    if not plan.levels:
        return _search_exactly(table, table, wants, plan, own)
    product = plan.product
    with product.one_thread():
        operand = Operand.of(table, centre_of([table]), product, hold=True)
        seats = _open(operand, operand, wants)
        report = plan.run(Sweep(operand, operand, seats, seats, wants, nobody))
    lists, more = _settle(operand, operand, seats, wants, plan, own)
    return lists, report + more


def search_both(
    left: Table,
    right: Table,
    wants: Wants,
    plan: Plan,
    least: tuple[Least | None, Least | None] = (None, None),
) -> tuple[GroupedLists, GroupedLists, SearchReport]:
    """The lists of the rows of two tables in each other, by place; each pair is multiplied once."""
    nobody = np.full(len(left), -1), np.full(len(right), -1)
    if not plan.levels:
        forth, report = _search_exactly(left, right, wants, plan, nobody[0])
        back, more = _search_exactly(right, left, wants, plan, nobody[1])
        return forth, back, report + more
    centre, product = centre_of([left, right]), plan.product
    with product.one_thread():
        first, second = (
            Operand.of(left, centre, product, hold=True),
            Operand.of(right, centre, product, hold=False),
        )
        seats = _open(first, second, wants, least[0]), _open(second, first, wants, least[1])
        opened = [[side.floor.copy() for side in sides] for sides in seats]
        report = plan.run(Sweep(first, second, *seats, wants, nobody[0]))
    forth, more = _settle(first, second, seats[0], wants, plan, nobody[0], opened[0])
    back, most = _settle(second, first, seats[1], wants, plan, nobody[1], opened[1])
    return forth, back, report + more + most


def search_one(
    left: Table, right: Table, wants: Wants, plan: Plan, blank: Ints
) -> tuple[GroupedLists, SearchReport]:
    """The lists of the rows of the left table in the right one, by place, without a blank place for each row (-1 for none)."""
    if not plan.levels:
        return _search_exactly(left, right, wants, plan, blank)
    within, across = (empty_lists(len(left), min(k, len(right))) for k in wants)
    centre, product, report = centre_of([right]), plan.product, SearchReport()
    nobody = Seats.open(np.empty(len(right)), 0)
    with product.one_thread():
        table = Operand.of(right, centre, product, hold=False)
        for span in spans(len(left), _QUERIES):
            queries = Operand.of(left.take(np.arange(span.start, span.stop)), centre, product, hold=True)
            seats = _open(queries, table, wants)
            report += plan.run(Sweep(queries, table, seats, (nobody, nobody), wants, blank[span]))
            found, more = _settle(queries, table, seats, wants, plan, blank[span])
            report += more
            for whole, part in zip((within, across), found, strict=True):
                whole[0][span], whole[1][span] = part
    return (within, across), report


def _open(rows: Operand, columns: Operand, wants: Wants, least: Least | None = None) -> GroupedSeats:
    slack = rows.slack(columns)
    bounds = (None, None) if least is None else tuple(side - _squared(rows.centre) for side in least)
    return Seats.open(slack, wants[0], bounds[0]), Seats.open(slack, wants[1], bounds[1])


def _squared(centre: Floats) -> float:
    """What a similarity is above the score that stands for it."""
    exact = centre.astype(np.float64)
    return float(exact @ exact)


def _settle(
    left: Operand,
    right: Operand,
    seats: GroupedSeats,
    wants: Wants,
    plan: Plan,
    blank: Ints,
    opened: Sequence[Floats | np.float32] = (LOWEST, LOWEST),
) -> tuple[GroupedLists, SearchReport]:
    """Rank the candidates, within and across, and search again for the rows that are not proven.

    A row whose floor is still where it was `opened` has left out nobody that was wanted.
    """
    report, lists = SearchReport(), []
    for side in (0, 1):
        alone = (wants[0], 0) if side == 0 else (0, wants[1])
        ranked, proven, seconds = _rank(left, right, seats[side], wants[side], plan.threads, opened[side])
        again = np.flatnonzero(~proven)
        report += SearchReport(uncertified=len(again), exact_seconds=seconds)
        if len(again):
            found, more = search_one(left.table.take(again), right.table, alone, plan.next(), blank[again])
            ranked[0][again], ranked[1][again] = found[side]
            report += more
        lists.append(ranked)
    return (lists[0], lists[1]), report


def _rank(
    left: Operand, right: Operand, seats: Seats, k: int, threads: int, opened: Floats | np.float32
) -> tuple[Ranked, NDArray[np.bool_], float]:
    """The lists of the left rows, which of them are proven, and the CPU seconds it took."""
    ids, similarities = empty_lists(len(left.table), min(k, len(right.table)))
    if ids.size == 0:
        return (ids, similarities), np.ones(len(ids), bool), 0.0
    sift_rows(seats, k, most_kept(k))
    label = lowest_label(seats.candidates, seats.taken, np.arange(len(right.table)))
    if left is right:
        label = lowest_label(seats.candidates, seats.taken, label)
    visits = np.argsort(
        label, kind="stable"
    )  # rows that share candidates follow each other, and find them in the cache

    def rank(span: slice) -> None:
        rank_candidates(
            visits[span], left.table.features, left.table.rows, right.table.features, right.table.rows, right.table.ids,
            seats.candidates, seats.taken, ids, similarities,
        )  # fmt: skip

    seconds = _work(rank, list(spans(len(visits), -(-len(visits) // threads))), threads)
    kth = similarities[:, k - 1] if k <= ids.shape[1] else np.full(len(ids), -np.inf)
    proven = (seats.floor == opened) | (kth - _squared(left.centre) > seats.floor + seats.slack)
    return (ids, similarities), proven, seconds


def _search_exactly(
    left: Table, right: Table, wants: Wants, plan: Plan, blank: Ints
) -> tuple[GroupedLists, SearchReport]:
    """The lists out of all exact products; those with copies of one right row are computed once."""
    lists = tuple(empty_lists(len(left), min(k, len(right))) for k in wants)
    distinct, copy_of = _distinct(right)
    start, stop = (
        np.searchsorted(right.group, left.group),
        np.searchsorted(right.group, left.group, side="right"),
    )

    def rank(span: slice) -> None:
        table = np.empty((span.stop - span.start, len(distinct)))
        exact_products(left.features, left.rows[span], right.features, right.rows[distinct], table)
        for (ids, similarities), inside in zip(lists, (True, False), strict=True):
            if ids.size:
                rank_everybody(
                    table,
                    copy_of,
                    right.ids,
                    start[span],
                    stop[span],
                    inside,
                    blank[span],
                    ids[span],
                    similarities[span],
                )

    seconds = _work(
        rank, list(spans(len(left), max(1, _TABLE_VALUES // max(1, len(distinct))))), plan.threads
    )
    return (lists[0], lists[1]), SearchReport(exact_seconds=seconds)


def _distinct(table: Table) -> tuple[Ints, Ints]:
    """Places of rows that differ from each other, and for every place which of them it is a copy of."""
    _, first, copy_of = np.unique(
        hash_rows(table.features, table.rows), return_index=True, return_inverse=True
    )
    for span in spans(len(table), _QUERIES):
        if not np.array_equal(
            table.features[table.rows[span]], table.features[table.rows[first[copy_of[span]]]]
        ):
            return np.arange(len(table)), np.arange(len(table))  # rows that differ have the same hash
    return first, copy_of


def _work(function: Callable[[slice], None], work: Sequence[slice], threads: int) -> float:
    """Do all pieces of work, so many at once; the CPU seconds it took."""

    def timed(span: slice) -> float:
        start = thread_time()
        function(span)
        return thread_time() - start

    if threads == 1 or len(work) < 2:
        return sum(map(timed, work))
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(timed, work))
