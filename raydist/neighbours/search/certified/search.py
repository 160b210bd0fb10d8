"""Lists of tables in themselves and in each other: a product proposes, exact sums rank, a bound proves.

A row is proven when its k-th best similarity is better than any score that was left out could stand for. Rows
that a bfloat16 product leaves unproven are searched with a float32 product, and what that leaves (rows with
very many copies, say) with exact sums alone. So lists are exact for every input, and what is hard costs time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raydist.neighbours.search.certified.candidates import (
    LOWEST,
    Candidates,
    GroupedCandidates,
    max_kept,
)
from raydist.neighbours.search.certified.exhaustive import run_timed, search_exhaustively
from raydist.neighbours.search.certified.operands import Operand, centre_of
from raydist.neighbours.search.certified.plan import SearchPlan
from raydist.neighbours.search.certified.ranking import rank_candidates
from raydist.neighbours.search.certified.selection import lowest_label, sift_rows
from raydist.neighbours.search.certified.sweep import Sweep
from raydist.neighbours.search.certified.tables import Table, spans
from raydist.neighbours.search.ranked import (
    GroupedLists,
    LeastSimilarities,
    NumNeighbours,
    Ranked,
    empty_lists,
)
from raydist.neighbours.search.report import SearchReport
from raydist.types import Floats, Ints

QUERIES_AT_ONCE = 4096
"""Rows of the left table of `search_one` that are worked on at one time."""


@dataclass(frozen=True)
class _Swept:
    """A table's candidates in another one, when all pairs have been multiplied.

    Attributes:
        left: whose candidates they are.
        right: the other table, or the same object.
        candidates: of the left rows, within and across.
        excluded: int64 [l], for each left row a position of the right table that is left out; -1 for none.
        first_floors: the floors before the sweep, within and across. A row whose floor is where it was then
            has dropped no column that is wanted.
    """

    left: Operand
    right: Operand
    candidates: GroupedCandidates
    excluded: Ints
    first_floors: tuple[Floats | np.float32, Floats | np.float32] = (LOWEST, LOWEST)


def search_itself(table: Table, wanted: NumNeighbours, plan: SearchPlan) -> tuple[GroupedLists, SearchReport]:
    """The lists of all rows of a table in itself, by position; each pair is multiplied once."""
    own = np.arange(len(table))
    if not plan.products:
        return search_exhaustively(table, table, wanted, own, threads=plan.threads)
    product = plan.product
    with product.one_thread():
        operand = Operand.of(table, centre_of([table]), product, prepare_all=True)
        candidates = _no_candidates(operand, operand, wanted)
        report = plan.run(Sweep(operand, operand, candidates, candidates, wanted, _none(table)))
    lists, more = _finish(_Swept(operand, operand, candidates, own), wanted, plan)
    return lists, report + more


def search_both(
    left: Table,
    right: Table,
    wanted: NumNeighbours,
    plan: SearchPlan,
    least: tuple[LeastSimilarities | None, LeastSimilarities | None] = (None, None),
) -> tuple[GroupedLists, GroupedLists, SearchReport]:
    """The lists of the rows of two tables in each other, by position; each pair is multiplied once.

    Args:
        left: l rows.
        right: r rows.
        wanted: how many neighbours within and across.
        plan: how to search.
        least: of the left rows and of the right rows, by position: how similar neighbours must be to be
            needed.
    """
    if not plan.products:
        forth, report = search_exhaustively(left, right, wanted, _none(left), threads=plan.threads)
        back, more = search_exhaustively(right, left, wanted, _none(right), threads=plan.threads)
        return forth, back, report + more
    centre, product = centre_of([left, right]), plan.product
    with product.one_thread():
        first = Operand.of(left, centre, product, prepare_all=True)
        second = Operand.of(right, centre, product, prepare_all=False)
        candidates = (
            _no_candidates(first, second, wanted, least[0]),
            _no_candidates(second, first, wanted, least[1]),
        )
        floors = [(within.floor.copy(), across.floor.copy()) for within, across in candidates]
        report = plan.run(Sweep(first, second, *candidates, wanted, _none(left)))
    forth, more = _finish(_Swept(first, second, candidates[0], _none(left), floors[0]), wanted, plan)
    back, most = _finish(_Swept(second, first, candidates[1], _none(right), floors[1]), wanted, plan)
    return forth, back, report + more + most


def search_one(
    left: Table, right: Table, wanted: NumNeighbours, plan: SearchPlan, excluded: Ints
) -> tuple[GroupedLists, SearchReport]:
    """The lists of the rows of the left table in the right one, by position.

    Args:
        left: l rows.
        right: r rows.
        wanted: how many neighbours within and across.
        plan: how to search; on the CPU where a position is excluded.
        excluded: int64 [l], for each left row a position of the right table that is left out; -1 for none.
    """
    if not plan.products:
        return search_exhaustively(left, right, wanted, excluded, threads=plan.threads)
    within, across = (empty_lists(len(left), min(k, len(right))) for k in wanted)
    centre, product, report = centre_of([right]), plan.product, SearchReport()
    unused = Candidates.none_yet(np.empty(len(right)), 0)
    with product.one_thread():
        table = Operand.of(right, centre, product, prepare_all=False)
        for span in spans(len(left), QUERIES_AT_ONCE):
            part = left.take(np.arange(span.start, span.stop))
            queries = Operand.of(part, centre, product, prepare_all=True)
            candidates = _no_candidates(queries, table, wanted)
            report += plan.run(Sweep(queries, table, candidates, (unused, unused), wanted, excluded[span]))
            lists, more = _finish(_Swept(queries, table, candidates, excluded[span]), wanted, plan)
            report += more
            for (all_ids, all_similarities), (ids, similarities) in zip((within, across), lists, strict=True):
                all_ids[span], all_similarities[span] = ids, similarities
    return (within, across), report


def _none(table: Table) -> Ints:
    """No excluded positions."""
    return np.full(len(table), -1)


def _no_candidates(
    rows: Operand, columns: Operand, wanted: NumNeighbours, least: LeastSimilarities | None = None
) -> GroupedCandidates:
    slack = rows.slack(columns)
    bounds = (None, None) if least is None else tuple(side - _squared(rows.centre) for side in least)
    within, across = (Candidates.none_yet(slack, k, bound) for k, bound in zip(wanted, bounds, strict=True))
    return within, across


def _squared(centre: Floats) -> float:
    """What a similarity is above the score that stands for it."""
    exact = centre.astype(np.float64)
    return float(exact @ exact)


def _finish(swept: _Swept, wanted: NumNeighbours, plan: SearchPlan) -> tuple[GroupedLists, SearchReport]:
    """Rank the candidates, within and across, and search again for the rows that are not proven."""
    report, lists = SearchReport(), []
    for side in (0, 1):
        ranked, proven, seconds = _rank(swept, side, wanted[side], plan.threads)
        unproven = np.flatnonzero(~proven)
        report += SearchReport(uncertified=len(unproven), exact_seconds=seconds)
        if len(unproven):
            one_side = NumNeighbours(wanted.within, 0) if side == 0 else NumNeighbours(0, wanted.across)
            rows, excluded = swept.left.table.take(unproven), swept.excluded[unproven]
            again, more = search_one(rows, swept.right.table, one_side, plan.next(), excluded)
            ranked[0][unproven], ranked[1][unproven] = again[side]
            report += more
        lists.append(ranked)
    return (lists[0], lists[1]), report


def _rank(swept: _Swept, side: int, k: int, threads: int) -> tuple[Ranked, NDArray[np.bool_], float]:
    """The lists of the left rows within (side 0) or across (1), which of them are proven, and CPU seconds."""
    left, right, candidates = swept.left.table, swept.right.table, swept.candidates[side]
    ids, similarities = empty_lists(len(left), min(k, len(right)))
    if ids.size == 0:
        return (ids, similarities), np.ones(len(ids), bool), 0.0
    sift_rows(candidates, k, max_kept(k))
    order = _cache_order(swept, candidates)

    def rank(span: slice) -> None:
        rank_candidates(
            order[span], left.feature_rows, right.feature_rows, right.ids, candidates.packed, candidates.size,
            (ids, similarities),
        )  # fmt: skip

    seconds = run_timed(rank, list(spans(len(order), -(-len(order) // threads))), threads=threads)
    kth = similarities[:, k - 1] if k <= ids.shape[1] else np.full(len(ids), -np.inf)
    best_dropped = candidates.floor + candidates.slack
    untouched = candidates.floor == swept.first_floors[side]
    return (ids, similarities), untouched | (kth - _squared(swept.left.centre) > best_dropped), seconds


def _cache_order(swept: _Swept, candidates: Candidates) -> Ints:
    """int64 [l], the left rows so that those with common candidates follow each other, for the cache."""
    label = lowest_label(candidates.packed, candidates.size, np.arange(len(swept.right.table)))
    if swept.left is swept.right:
        label = lowest_label(candidates.packed, candidates.size, label)
    return np.argsort(label, kind="stable")
