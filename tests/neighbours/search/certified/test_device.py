import numpy as np
import pytest

from raydist.neighbours.search.certified.candidates import COLUMN, Candidates
from raydist.neighbours.search.certified.device import sweep_on_device
from raydist.neighbours.search.certified.operands import Operand, centre_of
from raydist.neighbours.search.certified.plan import SearchPlan
from raydist.neighbours.search.certified.products import HalfProduct
from raydist.neighbours.search.certified.search import search_both, search_itself
from raydist.neighbours.search.certified.sweep import Sweep
from raydist.neighbours.search.certified.tables import Table
from raydist.neighbours.search.ranked import NumNeighbours

# devices here are torch's own CPU: the same calls, but not a GPU's arithmetic


@pytest.mark.parametrize("block", [50, 1000])
def test_a_device_gives_the_lists_of_the_cpu(people, block):
    x, group = people(40, 8, width=32), np.arange(320) % 3
    table = Table.of(x, np.arange(320), group)
    halves = (
        Table.of(x[:100], np.arange(100), group[:100]),
        Table.of(x[100:], np.arange(100, 320), group[100:]),
    )
    cpu, device = SearchPlan(("fp32",), 64, 1), SearchPlan(("bf16", "fp32"), block, 1, device="cpu")
    expected, found = (
        search_itself(table, NumNeighbours(5, 6), cpu),
        search_itself(table, NumNeighbours(5, 6), device),
    )
    assert found[1].uncertified == 0
    for (ids, values), (true_ids, true_values) in zip(found[0], expected[0], strict=True):
        assert ids.tobytes() == true_ids.tobytes()
        assert values.tobytes() == true_values.tobytes()
    *expected_sides, _ = search_both(*halves, NumNeighbours(5, 6), cpu)
    *found_sides, _ = search_both(*halves, NumNeighbours(5, 6), device)
    for side, true_side in zip(found_sides, expected_sides, strict=True):
        assert [part[0].tolist() for part in side] == [part[0].tolist() for part in true_side]


def test_every_other_column_scored_below_the_floor():
    x = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    product, table = HalfProduct("cpu"), Table.of(x, np.arange(200), None)
    operand = Operand.of(table, centre_of([table]), product, prepare_all=True)
    slack = operand.slack(operand)
    candidates = Candidates.none_yet(slack, 3), Candidates.none_yet(slack, 0)
    report = sweep_on_device(
        Sweep(operand, operand, candidates, candidates, NumNeighbours(3, 0), np.full(200, -1)),
        product,
        block=64,
    )
    scores = (
        (operand.prepared @ operand.prepared.T).float().numpy() + operand.offset[:, None] + operand.offset
    )
    for row in range(200):
        chosen = candidates[0].packed[row, : candidates[0].size[row]] & COLUMN
        assert row not in chosen
        assert (np.delete(scores[row], [row, *chosen]) < candidates[0].floor[row]).all()
    assert report.pairs == sum(64 * rows for rows in (64, 128, 192)) + 8 * 200
