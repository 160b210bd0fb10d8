import numpy as np
import pytest

from raydist.neighbours.search.ranked import PADDING, empty_lists, merge_topk


@pytest.mark.parametrize("k", [0, 1, 4, 100])
def test_merged_lists_are_sorted_whatever_the_order_of_the_shards(k):
    rng = np.random.default_rng(k)
    ids, values = rng.permutation(60).reshape(3, 4, 5), rng.integers(0, 3, (3, 4, 5)).astype(float)
    parts = list(zip(ids, values, strict=True))
    found = merge_topk(parts, k=k)
    for row in range(4):
        pairs = sorted(
            (-value, name) for part in parts for name, value in zip(part[0][row], part[1][row], strict=True)
        )[:k]
        assert found[0][row].tolist() == [name for _, name in pairs]
        assert found[1][row].tolist() == [-value for value, _ in pairs]
    assert [a.tolist() for a in merge_topk(parts[::-1], k=k)] == [a.tolist() for a in found]


def test_padding_comes_last():
    ids, values = merge_topk([empty_lists(1, 2), (np.array([[3]]), np.array([[-0.5]]))], k=3)
    assert ids.tolist() == [[3, PADDING, PADDING]]
    assert values.tolist() == [[-0.5, -np.inf, -np.inf]]
