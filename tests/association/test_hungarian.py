from itertools import permutations

import numpy as np
import pytest

from raydist.association.hungarian import hungarian_matching
from raydist.errors import FeatureError


def centroids(num_clusters, seed, width=6):
    x = np.random.default_rng(seed).standard_normal((num_clusters, width)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("num_visible", range(5))
@pytest.mark.parametrize("num_infrared", range(5))
def test_pairs_are_those_of_the_largest_total_similarity(num_visible, num_infrared):
    visible, infrared = centroids(num_visible, 1), centroids(num_infrared, 2)
    similarity = visible.astype(np.float64) @ infrared.T.astype(np.float64)
    small, large = sorted((num_visible, num_infrared))
    table = similarity if num_visible <= num_infrared else similarity.T
    best = max(permutations(range(large), small), key=lambda p: sum(table[i, j] for i, j in enumerate(p)))
    found = hungarian_matching(visible, infrared)
    of_small, of_large = found if num_visible <= num_infrared else reversed(found)
    assert of_small.tolist() == list(best)
    assert of_large.tolist() == [best.index(j) if j in best else -1 for j in range(large)]


def test_roles_may_be_swapped_and_clusters_renumbered():
    visible, infrared = centroids(7, 3), centroids(4, 4)
    there, back = hungarian_matching(visible, infrared), hungarian_matching(infrared, visible)
    assert there.visible_to_infrared.tolist() == back.infrared_to_visible.tolist()
    order = np.random.default_rng(0).permutation(7)
    assert (
        hungarian_matching(visible[order], infrared).visible_to_infrared.tolist()
        == there.visible_to_infrared[order].tolist()
    )


def test_bad_centroids_are_refused():
    with pytest.raises(FeatureError, match="wide"):
        hungarian_matching(centroids(2, 0, 4), centroids(2, 0, 3))
