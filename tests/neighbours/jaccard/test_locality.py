import numpy as np
import pytest

from raydist.neighbours.jaccard.locality import local_order, root_of
from raydist.neighbours.search.lists import top_k


@pytest.mark.parametrize("num_rows", [0, 1, 2, 60])
def test_every_row_comes_once(people, num_rows):
    ids = top_k(people(6, 10, noise=0.8)[:num_rows], k=8)[0].astype(np.int32)
    assert sorted(local_order(ids)) == list(range(num_rows))


def test_rows_of_one_group_lie_together(people):
    order = np.random.default_rng(0).permutation(80)
    ids = top_k(people(8, 10, noise=0.1)[order], k=6)[0].astype(np.int32)
    person = (order // 10)[local_order(ids)]
    assert (np.diff(person) != 0).sum() == 7


def test_first_neighbours_are_linked_first():
    """0-3 and 1-2 are nearest pairs, which a second link joins."""
    ids = np.array([[0, 3, 1], [1, 2, 0], [2, 1, 3], [3, 0, 2]], np.int32)
    assert local_order(ids).tolist() == [0, 3, 1, 2]


def test_padding_is_no_row():
    """Row 2 stands alone. If padding were the last row, all would be linked with it."""
    ids = np.array([[0, 3, -1], [1, -1, -1], [2, -1, -1], [3, -1, -1]], np.int32)
    assert local_order(ids).tolist() == [0, 3, 1, 2]


def test_roots_of_a_forest():
    parent = np.array([0, 0, 1, 2, 4])
    assert [root_of(parent, row) for row in range(5)] == [0, 0, 0, 0, 4]
    assert (parent[:4] == np.array([0, 0, 0, 1])).all() or (parent[:4] == 0).all()
