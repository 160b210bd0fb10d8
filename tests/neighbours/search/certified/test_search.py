import itertools

import numpy as np
import pytest

from raydist.neighbours.search.certified.plan import SearchPlan
from raydist.neighbours.search.certified.search import search_both, search_itself, search_one
from raydist.neighbours.search.certified.tables import Table
from raydist.neighbours.search.ranked import NumNeighbours

PRODUCTS = [(), ("fp32",), ("bf16", "fp32")]


def plans():
    """Every way to search, with blocks that cut and blocks that hold everything."""
    for products, (block, threads) in itertools.product(PRODUCTS, [(23, 2), (200, 1)]):
        yield SearchPlan(products, block, threads)
    yield SearchPlan(("bf16", "fp32"), 31, 1, device="cpu")


def same_bytes(lists, expected):
    return all(a.tobytes() == b.tobytes() for a, b in zip(lists, expected, strict=True))


def by_position(lists, table):
    return lists[0][table.rows], lists[1][table.rows]


@pytest.mark.parametrize("k", [1, 6])
def test_lists_are_the_sorted_ones_by_every_plan(hard_table, sorted_lists, k):
    ids = np.random.default_rng(1).permutation(1000)[:150]
    table = Table.of(hard_table, ids, None)
    expected = sorted_lists(hard_table, hard_table, k, ids=ids, exclude=ids)
    for plan in plans():
        (within, across), _ = search_itself(table, NumNeighbours(k, 0), plan)
        assert same_bytes(within, expected), plan
        assert across[0].shape == (150, 0)


def test_lists_by_group_are_the_sorted_ones_by_every_plan(hard_table, sorted_lists):
    group = np.random.default_rng(2).integers(0, 3, 150)
    table, same = Table.of(hard_table, np.arange(150), group), np.equal.outer(group, group)
    expected = [
        sorted_lists(hard_table, hard_table, k, exclude=np.arange(150), allowed=a)
        for k, a in ((4, same), (7, ~same))
    ]
    for plan in plans():
        lists, _ = search_itself(table, NumNeighbours(4, 7), plan)
        assert all(
            same_bytes(side, by_position(true, table)) for side, true in zip(lists, expected, strict=True)
        ), plan


def test_two_tables_find_their_rows_in_each_other(hard_table, sorted_lists):
    group, ids = np.random.default_rng(3).integers(0, 2, 150), np.arange(150)
    halves = [Table.of(hard_table[rows], rows, group[rows]) for rows in (ids[:40], ids[40:])]
    for plan in plans():
        *both, _ = search_both(*halves, NumNeighbours(3, 2), plan)
        for (left, right), lists in zip((halves, halves[::-1]), both, strict=True):
            same = np.equal.outer(left.group, right.group)
            for side, k, allowed in zip(lists, (3, 2), (same, ~same), strict=True):
                rows = left.features[left.rows], right.features[right.rows]
                assert same_bytes(side, sorted_lists(*rows, k, ids=right.ids, allowed=allowed)), plan


def test_one_table_searches_another_without_its_excluded_positions(hard_table, sorted_lists):
    right = Table.of(hard_table, np.arange(150), None)
    left, excluded = right.take(np.arange(10, 40)), np.arange(10, 40)
    excluded[::3] = -1
    expected = sorted_lists(hard_table[10:40], hard_table, 5, exclude=excluded)
    for plan in plans():
        if plan.device is None:
            assert same_bytes(search_one(left, right, NumNeighbours(5, 0), plan, excluded)[0][0], expected), (
                plan
            )


def test_more_neighbours_than_rows(sorted_lists):
    x = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
    for plan in plans():
        within = search_itself(Table.of(x, np.arange(9), None), NumNeighbours(9, 0), plan)[0][0]
        assert same_bytes(within, sorted_lists(x, x, 9, exclude=np.arange(9)))


@pytest.mark.parametrize("products", PRODUCTS[1:])
def test_ordinary_rows_are_proven_at_once_and_copies_are_not(people, products):
    ordinary, copies = people(30, 10, width=64), np.repeat(people(3, 1, width=64), 100, axis=0)
    plan = SearchPlan(products, 512, 1)
    assert (
        search_itself(Table.of(ordinary, np.arange(300), None), NumNeighbours(9, 0), plan)[1].uncertified == 0
    )
    assert search_itself(Table.of(copies, np.arange(300), None), NumNeighbours(9, 0), plan)[
        1
    ].uncertified == 300 * len(products)


def test_collapsed_rows_are_proven_too():
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(64) + 1e-3 * rng.standard_normal((300, 64))).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    assert (
        search_itself(
            Table.of(x, np.arange(300), None), NumNeighbours(9, 0), SearchPlan(("bf16", "fp32"), 512, 1)
        )[1].uncertified
        == 0
    )
