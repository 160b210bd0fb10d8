import numpy as np
import pytest

from raydist.distributed.shards.layout import RowLayout, ShardRows

ORDER = np.array([3, 0, 5, 1, 4, 2])


@pytest.fixture
def layout():
    """Six rows on three shards, of which the second has none."""
    return RowLayout(ORDER, np.array([0, 2, 2, 6]))


def test_every_row_is_at_its_position_on_its_shard(layout):
    rows = [layout.rows_of(shard) for shard in range(3)]
    assert [part.tolist() for part in rows] == [[1, 3], [], [0, 2, 4, 5]]
    assert layout.positions(rows[0], 0).tolist() == [0, 1]
    assert layout.positions(rows[2], 2).tolist() == [1, 3, 2, 0]


def test_a_request_sets_the_own_rows_apart(layout):
    request = layout.request(np.array([0, 1, 3, 5]), by=0)
    assert request.own.tolist() == [1, 3]
    assert [part.tolist() for part in request.others] == [[], [], [0, 5]]
    assert [part.tolist() for part in layout.requested_positions(request)] == [[], [], [1, 0]]


def test_the_rows_of_a_shard_are_numbered_from_its_first():
    assert ShardRows(1, 7, None).numbers(3).tolist() == [7, 8, 9]
