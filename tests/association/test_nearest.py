import numpy as np
import pytest

from raydist.association.nearest import nearest_matching
from raydist.errors import FeatureError


def centroids(num_clusters, seed, width=6):
    x = np.random.default_rng(seed).standard_normal((num_clusters, width)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def nearest(one, others):
    return min(range(len(others)), key=lambda j: np.exp(-float(one.astype(np.float64) @ others[j])))


@pytest.mark.parametrize(("num_visible", "num_infrared"), [(1, 1), (5, 3), (3, 9), (12, 12)])
def test_equals_the_loops_over_the_cost(num_visible, num_infrared):
    visible, infrared = centroids(num_visible, 1), centroids(num_infrared, 2)
    found = nearest_matching(visible, infrared)
    assert found.visible_to_infrared.tolist() == [nearest(v, infrared) for v in visible]
    assert found.infrared_to_visible.tolist() == [nearest(i, visible) for i in infrared]


def test_pieces_of_one_person_take_the_same_partner_and_some_are_nobodys():
    x = np.eye(4, dtype=np.float32)
    found = nearest_matching(x[[0, 0, 1]], x[[1, 0, 3]])
    assert found.visible_to_infrared.tolist() == [1, 1, 0]
    assert found.infrared_to_visible.tolist() == [2, 0, 0]


@pytest.mark.parametrize(("num_visible", "num_infrared"), [(0, 0), (0, 3), (3, 0)])
def test_nobody_to_be_matched_with(num_visible, num_infrared):
    found = nearest_matching(centroids(num_visible, 1), centroids(num_infrared, 2))
    assert found.visible_to_infrared.tolist() == [-1] * num_visible
    assert found.infrared_to_visible.tolist() == [-1] * num_infrared


def test_a_value_that_is_not_finite_is_refused():
    broken = centroids(2, 1)
    broken[0, 0] = np.nan
    with pytest.raises(FeatureError):
        nearest_matching(broken, centroids(2, 2))
