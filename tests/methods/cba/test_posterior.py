from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from raydist.methods.cba.posterior import cluster_means, row_entropies, scaled_rows
from raydist.types import NOISE


@pytest.fixture(params=range(3))
def dense(request):
    """Rows of some entries; one value stands in a row several times."""
    rng = np.random.default_rng(request.param)
    x = random_array((20, 7), density=0.4, rng=rng).toarray()
    x[np.arange(20), rng.integers(0, 7, 20)] = 0.9
    x[np.arange(20), rng.integers(0, 7, 20)] = 0.9
    return x / x.sum(axis=1, keepdims=True)


def in_any_order(dense):
    """The entries of each row from right to left."""
    matrix = csr_array(dense)
    order = np.concatenate([np.arange(b - 1, a - 1, -1) for a, b in pairwise(matrix.indptr)])
    return csr_array((matrix.data[order], matrix.indices[order], matrix.indptr), shape=matrix.shape)


def test_rows_are_those_of_the_dense_table(dense):
    matrix = in_any_order(dense)
    expected = [-sum(p * np.log(p) for p in row if p > 0) for row in dense]
    np.testing.assert_allclose(row_entropies(matrix), expected, atol=1e-12)
    factors = np.arange(20.0)
    np.testing.assert_allclose(scaled_rows(matrix, factors).toarray(), dense * factors[:, None])


def test_means_are_over_the_members_by_weight(dense):
    labels, weights = np.arange(20) % 4 - 1, np.random.default_rng(1).random(20) + 0.1
    assert (labels == NOISE).any()
    for w in (None, weights):
        expected = [
            np.average(dense[labels == c], axis=0, weights=None if w is None else w[labels == c])
            for c in range(3)
        ]
        found = cluster_means(in_any_order(dense), labels, weights=w)
        assert np.allclose(found.toarray(), expected, atol=1e-12)
