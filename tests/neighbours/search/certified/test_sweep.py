import numpy as np
import pytest

from raydist.neighbours.search.certified.candidates import COLUMN, Candidates
from raydist.neighbours.search.certified.operands import Operand, centre_of
from raydist.neighbours.search.certified.products import SingleProduct
from raydist.neighbours.search.certified.sweep import Sweep
from raydist.neighbours.search.certified.tables import Table
from raydist.neighbours.search.ranked import NumNeighbours
from raydist.neighbours.search.report import SearchReport


@pytest.fixture
def operand():
    def make(num_rows, num_groups, seed):
        rng = np.random.default_rng(seed)
        table = Table.of(
            rng.standard_normal((num_rows, 5)).astype(np.float32),
            np.arange(num_rows),
            rng.integers(0, num_groups, num_rows),
        )
        return Operand.of(table, centre_of([table]), SingleProduct(), prepare_all=seed % 2 == 0)

    return make


def candidates(rows, columns, wanted):
    return tuple(Candidates.none_yet(rows.slack(columns), k) for k in wanted)


def partners(grouped):
    """The columns that each row was paired with, within and across, by position."""
    return [
        [sorted((row[:count] & COLUMN).tolist()) for row, count in zip(side.packed, side.size, strict=True)]
        for side in grouped
    ]


def allowed(left, right, same):
    return [np.flatnonzero((right.table.group == group) == same).tolist() for group in left.table.group]


@pytest.mark.parametrize(("block", "threads"), [(1, 1), (7, 2), (13, 3), (100, 2)])
@pytest.mark.parametrize("num_groups", [1, 4, 30])
def test_every_row_of_a_table_is_paired_with_every_other_once(operand, block, threads, num_groups):
    x = operand(40, num_groups, 0)
    own = candidates(x, x, (40, 40))
    report = Sweep(x, x, own, own, NumNeighbours(40, 40), np.full(40, -1)).run(block=block, threads=threads)
    within, across = partners(own)
    for i, (near, far) in enumerate(zip(allowed(x, x, True), allowed(x, x, False), strict=True)):
        assert within[i] == [j for j in near if j != i]
        assert across[i] == far
    sizes = [min(block, 40 - start) for start in range(0, 40, block)]
    assert report.pairs == sum(sizes[i] * sizes[j] for i in range(len(sizes)) for j in range(i + 1))


@pytest.mark.parametrize(("block", "threads"), [(1, 1), (7, 2), (100, 3)])
def test_the_rows_of_two_tables_are_paired_once(operand, block, threads):
    left, right = operand(23, 3, 0), operand(31, 3, 1)
    forth, back = candidates(left, right, (31, 31)), candidates(right, left, (31, 31))
    excluded = np.full(23, -1)
    excluded[4] = 11
    report = Sweep(left, right, forth, back, NumNeighbours(31, 31), excluded).run(
        block=block, threads=threads
    )
    for one, other, grouped, gap in ((left, right, forth, (4, 11)), (right, left, back, (11, 4))):
        for side, same in zip(partners(grouped), (True, False), strict=True):
            expected = allowed(one, other, same)
            expected[gap[0]] = [j for j in expected[gap[0]] if j != gap[1]]
            assert side == expected
    assert report.pairs == 23 * 31


def test_reports_add_up():
    assert SearchReport(1, 2, 3.0, 4.0, 5.0) + SearchReport(10, 20, 30.0, 40.0, 50.0) == SearchReport(
        11, 22, 33.0, 44.0, 55.0
    )
