import numpy as np
import pytest

from raydist.neighbours.search.certified import Plan, search_both, search_itself
from raydist.neighbours.search.device import sweep_on_device
from raydist.neighbours.search.products import HalfProduct
from raydist.neighbours.search.selection import Seats
from raydist.neighbours.search.sweep import Sweep
from raydist.neighbours.search.tables import Operand, Table, centre_of

# devices here are torch's own CPU: the same calls, but not a GPU's arithmetic


@pytest.mark.parametrize("block", [50, 1000])
def test_a_device_gives_the_lists_of_the_cpu(people, block):
    x, group = people(40, 8, width=32), np.arange(320) % 3
    table = Table.of(x, np.arange(320), group)
    halves = (
        Table.of(x[:100], np.arange(100), group[:100]),
        Table.of(x[100:], np.arange(100, 320), group[100:]),
    )
    cpu, device = Plan(("fp32",), 64, 1), Plan(("bf16", "fp32"), block, 1, device="cpu")
    expected, found = search_itself(table, (5, 6), cpu), search_itself(table, (5, 6), device)
    assert found[1].uncertified == 0
    for (ids, values), (true_ids, true_values) in zip(found[0], expected[0], strict=True):
        assert ids.tobytes() == true_ids.tobytes()
        assert values.tobytes() == true_values.tobytes()
    *expected_sides, _ = search_both(*halves, (5, 6), cpu)
    *found_sides, _ = search_both(*halves, (5, 6), device)
    for side, true_side in zip(found_sides, expected_sides, strict=True):
        assert [part[0].tolist() for part in side] == [part[0].tolist() for part in true_side]


def test_who_is_left_out_scored_below_the_floor():
    x = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    product, table = HalfProduct("cpu"), Table.of(x, np.arange(200), None)
    operand = Operand.of(table, centre_of([table]), product, hold=True)
    seats = Seats.open(operand.slack(operand), 3), Seats.open(operand.slack(operand), 0)
    report = sweep_on_device(
        Sweep(operand, operand, seats, seats, (3, 0), np.full(200, -1)), product, block=64
    )
    scores = (operand.held @ operand.held.T).float().numpy() + operand.offset[:, None] + operand.offset
    for row in range(200):
        chosen = seats[0].candidates[row, : seats[0].taken[row]] & (2**32 - 1)
        assert row not in chosen
        assert (np.delete(scores[row], [row, *chosen]) < seats[0].floor[row]).all()
    assert report.pairs == sum(64 * rows for rows in (64, 128, 192)) + 8 * 200
