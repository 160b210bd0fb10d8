import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.distributed.shards.pieces import cut_at

ROW_BYTES = 2 * 4


def rows_of(sizes):
    """Blocks of these sizes, [b, 2] each, whose values count up."""
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    return [
        np.arange(2 * start, 2 * stop, dtype=np.float32).reshape(-1, 2)
        for start, stop in itertools.pairwise(starts)
    ]


@given(
    st.lists(st.integers(0, 7), min_size=1, max_size=12),
    st.lists(st.integers(-5, 40), max_size=5),
    st.integers(1, 9),
)
def test_pieces_are_the_rows_in_order_and_none_crosses_a_bound(sizes, bounds, most):
    blocks, bounds = rows_of(sizes), np.array(sorted(bounds), np.int64)
    pieces = list(cut_at(blocks, bounds, most * ROW_BYTES))
    assert all(len(piece) for piece in pieces)
    joined = np.concatenate([np.empty((0, 2), np.float32), *pieces])
    assert (joined == np.concatenate(blocks)).all()
    start = 0
    for piece in pieces:
        assert not ((bounds > start) & (bounds < start + len(piece))).any()
        assert len(piece) <= max(most, *sizes)
        start += len(piece)


def test_small_blocks_are_joined_and_a_whole_one_is_not_copied():
    blocks = rows_of([3] * 10)
    assert [len(piece) for piece in cut_at(blocks, np.array([0, 16]), 9 * ROW_BYTES)] == [9, 7, 8, 6]
    (whole,) = rows_of([100])
    (piece,) = cut_at([whole], np.array([0, 100]), 5 * ROW_BYTES)
    assert np.shares_memory(piece, whole)


@pytest.mark.parametrize("blocks", [[], [np.empty((0, 3), np.float32)]])
def test_no_rows_no_pieces(blocks):
    assert list(cut_at(blocks, np.array([0, 0]), 100)) == []
