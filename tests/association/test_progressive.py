from functools import partial
from itertools import permutations

import numpy as np
import pytest

from raydist.association import progressive
from raydist.association.assignment import assign
from raydist.association.progressive import progressive_matching
from raydist.errors import FeatureError


def centroids(num_clusters, seed, width=6):
    return np.random.default_rng(seed).standard_normal((num_clusters, width)).astype(np.float32)


def cost_of(a, b):
    a, b = (
        x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a.astype(np.float64), b.astype(np.float64))
    )
    return 1 / np.exp(a @ b.T)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_equal_counts_are_matched_at_the_lowest_total_cost(count):
    for seed in range(5):
        visible, infrared = centroids(count, seed), centroids(count, seed + 100)
        cost = cost_of(visible, infrared)
        best = min(permutations(range(count)), key=lambda p: sum(cost[i, j] for i, j in enumerate(p)))
        matching = progressive_matching(visible, infrared)
        assert matching.visible_to_infrared.tolist() == list(best)
        assert matching.infrared_to_visible[list(best)].tolist() == list(range(count))


@pytest.mark.parametrize("num_visible", range(7))
@pytest.mark.parametrize("num_infrared", range(7))
def test_every_cluster_has_a_partner(num_visible, num_infrared):
    matching = progressive_matching(centroids(num_visible, 1), centroids(num_infrared, 2))
    for partners, num_own, num_other in zip(
        matching, (num_visible, num_infrared), (num_infrared, num_visible), strict=True
    ):
        assert partners.dtype == np.int64
        assert len(partners) == num_own
        if num_other == 0:
            assert (partners == -1).all()
        else:
            assert ((partners >= 0) & (partners < num_other)).all()
    if num_infrared and num_visible:
        small, large = sorted(matching, key=len)
        assert len(set(small.tolist())) == len(small)
        assert large[small].tolist() == list(range(len(small)))
        assert np.bincount(large).max() <= -(-len(large) // len(small))


def test_the_first_round_is_the_padded_square_assignment():
    visible, infrared = centroids(6, 7), centroids(3, 8)
    cost = cost_of(visible, infrared)
    best = min(permutations(range(6), 3), key=lambda rows: sum(cost[r, c] for c, r in enumerate(rows)))
    matching = progressive_matching(visible, infrared)
    assert matching.infrared_to_visible.tolist() == list(best)
    left = [v for v in range(6) if v not in best]
    second = min(
        permutations(range(3)), key=lambda columns: sum(cost[left[r], c] for r, c in enumerate(columns))
    )
    assert matching.visible_to_infrared[left].tolist() == list(second)


@pytest.mark.parametrize(("num_visible", "num_infrared"), [(30, 30), (90, 40), (20, 70)])
def test_very_many_clusters_are_matched_in_the_same_rounds(monkeypatch, num_visible, num_infrared):
    visible, infrared = centroids(num_visible, 1), centroids(num_infrared, 2)
    exact = progressive_matching(visible, infrared)
    monkeypatch.setattr(progressive, "assign", partial(assign, most_pairs=0))
    for partners, other in zip(exact, progressive_matching(visible, infrared), strict=True):
        assert partners.tolist() == other.tolist()


def test_roles_may_be_swapped_and_clusters_renumbered():
    visible, infrared = centroids(7, 3), centroids(3, 4)
    there = progressive_matching(visible, infrared)
    back = progressive_matching(infrared, visible)
    assert there.visible_to_infrared.tolist() == back.infrared_to_visible.tolist()
    assert there.infrared_to_visible.tolist() == back.visible_to_infrared.tolist()
    order = np.random.default_rng(0).permutation(7)
    shuffled = progressive_matching(visible[order], infrared)
    assert shuffled.visible_to_infrared.tolist() == there.visible_to_infrared[order].tolist()


def test_the_length_of_a_centroid_does_not_matter():
    visible, infrared = centroids(5, 5), centroids(4, 6)
    scaled = progressive_matching(3 * visible, np.float32(0.1) * infrared)
    assert (
        scaled.visible_to_infrared.tolist()
        == progressive_matching(visible, infrared).visible_to_infrared.tolist()
    )


def test_equal_centroids_are_still_matched_one_to_one():
    same = np.ones((4, 3), np.float32)
    assert sorted(progressive_matching(same, same).visible_to_infrared.tolist()) == [0, 1, 2, 3]


def test_bad_centroids_are_refused():
    with pytest.raises(FeatureError, match="NaN"):
        progressive_matching(np.full((2, 3), np.nan, np.float32), centroids(2, 0, 3))
    with pytest.raises(FeatureError, match="wide"):
        progressive_matching(centroids(2, 0, 4), centroids(2, 0, 3))
