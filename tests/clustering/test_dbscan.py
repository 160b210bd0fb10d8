import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from raydist.clustering.dbscan import dbscan
from raydist.errors import ConfigError
from raydist.neighbours.jaccard.edges import Edges

EMPTY = Edges(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    num_rows=st.integers(1, 40),
    share=st.floats(0, 0.4),
    eps=st.sampled_from([0.3, 0.5, 0.6]),
    min_samples=st.integers(1, 6),
)
def test_labels_are_those_of_sklearn(seed, num_rows, share, eps, min_samples):
    rng = np.random.default_rng(seed)
    upper = np.triu(
        np.where(
            rng.random((num_rows, num_rows)) < share, rng.integers(0, 10, (num_rows, num_rows)) / 10, 1.0
        ),
        1,
    )
    distance = upper + upper.T
    i, j = np.nonzero(np.triu(distance < 1, 1))
    edges = Edges(i.astype(np.int32), j.astype(np.int32), distance[i, j].astype(np.float32))
    expected = DBSCAN(eps=eps + 1e-6, min_samples=min_samples, metric="precomputed").fit_predict(distance)
    labels = dbscan(edges, num_rows, eps=eps, min_samples=min_samples)
    assert labels.dtype == np.int64
    assert np.array_equal(labels, expected)


def test_a_border_row_joins_the_first_of_its_clusters(from_dense):
    distance = np.ones((7, 7))
    for a, b in ((0, 1), (0, 2), (1, 2), (4, 5), (4, 6), (5, 6), (2, 3), (3, 4)):
        distance[a, b] = distance[b, a] = 0.2
    assert dbscan(from_dense(distance), 7, eps=0.5, min_samples=4).tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_a_distance_of_eps_and_a_rounding_error_is_inside():
    edge = Edges(np.array([0], np.int32), np.array([1], np.int32), np.array([0.5 + 5e-7], np.float32))
    assert dbscan(edge, 2, eps=0.5, min_samples=2).tolist() == [0, 0]
    assert dbscan(edge, 2, eps=0.5 - 1e-5, min_samples=2).tolist() == [-1, -1]


@pytest.mark.parametrize("num_rows", [0, 1, 3])
def test_rows_without_neighbours(num_rows):
    assert dbscan(EMPTY, num_rows, eps=0.5, min_samples=2).tolist() == [-1] * num_rows
    assert dbscan(EMPTY, num_rows, eps=0.5, min_samples=1).tolist() == list(range(num_rows))


def test_bad_parameters_are_refused():
    with pytest.raises(ConfigError, match="min_samples 0"):
        dbscan(EMPTY, 2, eps=0.5, min_samples=0)
    with pytest.raises(ConfigError, match="eps -1"):
        dbscan(EMPTY, 2, eps=-1, min_samples=1)
