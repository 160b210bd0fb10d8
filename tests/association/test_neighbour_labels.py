import numpy as np
import pytest

from raydist.association.neighbour_labels import neighbour_distributions
from raydist.types import NOISE


def oracle(neighbours, labels, num_clusters):
    table = np.zeros((len(neighbours), num_clusters))
    for i, ids in enumerate(neighbours):
        known = [labels[j] for j in ids if j >= 0 and labels[j] != NOISE]
        for label in known:
            table[i, label] += 1 / len(known)
    return table


@pytest.mark.parametrize("num_clusters", range(7))
@pytest.mark.parametrize("k", [1, 3, 8])
def test_shares_are_those_of_a_loop(num_clusters, k):
    rng = np.random.default_rng((num_clusters, k))
    labels = rng.integers(-1, num_clusters, 40)
    neighbours = rng.integers(-1, 40, (25, k))
    found = neighbour_distributions(neighbours, labels, num_clusters)
    assert (found.shape, found.dtype) == ((25, num_clusters), np.float32)
    np.testing.assert_allclose(found.toarray(), oracle(neighbours, labels, num_clusters), atol=1e-6)
    assert (np.diff(found.indptr) <= k).all()
    assert (found.data > 0).all()


def test_rows_do_not_depend_on_how_they_are_cut():
    rng = np.random.default_rng(0)
    labels, neighbours = rng.integers(-1, 9, 50), rng.integers(-1, 50, (5000, 4))
    whole = neighbour_distributions(neighbours, labels, 9)
    part = neighbour_distributions(neighbours[1000:1100], labels, 9)
    assert np.array_equal(whole[1000:1100].toarray(), part.toarray())
    np.testing.assert_allclose(whole.toarray(), oracle(neighbours, labels, 9), atol=1e-6)
