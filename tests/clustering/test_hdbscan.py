import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score

from raydist.clustering.hdbscan import _bridges, _mutual_reachability, hdbscan
from raydist.errors import ConfigError
from raydist.neighbours.jaccard.edges import Edges
from raydist.neighbours.jaccard.graph import jaccard_graph
from raydist.neighbours.jaccard.plain import PlainJaccard


def groups(sizes, spread, rng, inside=0.0):
    """A dense distance matrix of groups that share nothing with each other."""
    distance = np.ones((sum(sizes), sum(sizes)))
    start = 0
    for size in sizes:
        within = inside + spread * rng.random((size, size))
        distance[start : start + size, start : start + size] = (within + within.T) / 2
        start += size
    np.fill_diagonal(distance, 0)
    return distance


def test_components_zeros_and_isolated_rows(from_dense):
    distance = groups([8, 6, 7, 1, 1], 0.2, np.random.default_rng(0), inside=0.1)
    distance[:8, :8] = 0.0
    labels = hdbscan(from_dense(distance), 23, min_cluster_size=4, min_samples=3).labels
    assert labels.tolist() == [0] * 8 + [1] * 6 + [2] * 7 + [-1, -1]


def test_isolated_rows_and_crumbs_never_make_a_cluster(from_dense):
    distance = groups([8, 9, *[3] * 5, *[1] * 12], 0.2, np.random.default_rng(5), inside=0.1)
    labels = hdbscan(from_dense(distance), 44, min_cluster_size=4, min_samples=2).labels
    assert labels.tolist() == [0] * 8 + [1] * 9 + [-1] * 27


def test_equal_rows_are_a_cluster(from_dense):
    labels = hdbscan(
        from_dense(groups([5, 6], 0.0, np.random.default_rng(0))), 11, min_cluster_size=4, min_samples=4
    ).labels
    assert labels.tolist() == [0] * 5 + [1] * 6


def test_one_group_that_does_not_split_is_noise(from_dense):
    distance = groups([12, 1], 0.1, np.random.default_rng(6), inside=0.2)
    assert (hdbscan(from_dense(distance), 13, min_cluster_size=4, min_samples=3).labels == -1).all()


def test_rows_with_few_neighbours_are_noise(from_dense):
    distance = groups([8, 8, 2], 0.2, np.random.default_rng(1), inside=0.1)
    labels = hdbscan(from_dense(distance), 18, min_cluster_size=4, min_samples=4).labels
    assert labels.tolist() == [0] * 8 + [1] * 8 + [-1, -1]


def test_labels_agree_with_a_dense_hdbscan():
    rng = np.random.default_rng(2)
    x = np.repeat(rng.standard_normal((25, 32)), 12, axis=0) + 0.6 * rng.standard_normal((300, 32))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    edges = jaccard_graph(x, PlainJaccard(k1=15, k2=4), eps_max=1.0).edges
    distance = np.ones((300, 300))
    np.fill_diagonal(distance, 0)
    distance[edges.i, edges.j] = distance[edges.j, edges.i] = edges.distance
    expected = HDBSCAN(metric="precomputed", min_cluster_size=4, min_samples=5, copy=True).fit_predict(
        distance
    )
    labels = hdbscan(edges, 300, min_cluster_size=4, min_samples=4).labels
    assert adjusted_rand_score(expected, labels) == 1
    assert labels[labels >= 0][0] == 0


def test_probabilities_and_the_tree_go_with_the_labels(from_dense):
    """Rows 0 to 2 are noise from the start and no part of the tree; the others keep their numbers."""
    distance = np.ones((25, 25))
    distance[3:, 3:] = groups([9, 7, 6], 0.3, np.random.default_rng(3), inside=0.2)
    clusters = hdbscan(from_dense(distance), 25, min_cluster_size=4, min_samples=3)
    assert ((clusters.probabilities > 0) == (clusters.labels >= 0)).all()
    assert [clusters.probabilities[clusters.labels == c].max() for c in range(3)] == [1, 1, 1]
    tree = clusters.tree
    rows = tree.child < 25
    assert sorted(tree.child[rows]) == list(range(3, 25))
    assert (tree.size[rows] == 1).all()
    assert tree.parent.min() == 25
    assert set(tree.child[~rows]) == set(tree.parent) - {25}
    for cluster in range(3):
        (parent,) = set(tree.parent[rows & np.isin(tree.child, np.flatnonzero(clusters.labels == cluster))])
        assert tree.size[tree.child == parent] == (clusters.labels == cluster).sum()


@pytest.mark.parametrize(("num_rows", "min_samples"), [(400, 2), (400, 4), (1200, 4)])
def test_labels_are_those_of_sklearn_on_the_same_graph(crowd, num_rows, min_samples):
    """scikit-learn makes its own tree of the same mutual reachabilities, bridged in the same way."""
    x, _ = crowd(num_rows, 8)
    edges = jaccard_graph(x, PlainJaccard(k1=15, k2=4), eps_max=0.8).edges
    reach = _mutual_reachability(edges, num_rows, min_samples)
    component = connected_components(reach, directed=False)[1]
    rows = np.flatnonzero(np.bincount(component)[component] >= 4)
    graph = csr_matrix(reach[rows][:, rows] + _bridges(component[rows]))
    expected = HDBSCAN(metric="precomputed", min_cluster_size=4, min_samples=1, copy=True).fit(graph)
    clusters = hdbscan(edges, num_rows, min_cluster_size=4, min_samples=min_samples)
    assert adjusted_rand_score(expected.labels_, clusters.labels[rows]) == 1
    assert np.array_equal(expected.labels_ == -1, clusters.labels[rows] == -1)
    np.testing.assert_allclose(clusters.probabilities[rows], expected.probabilities_, atol=1e-12)
    assert clusters.labels.max() > 10


def test_renumbered_rows_keep_their_clusters(from_dense):
    distance = groups([9, 7, 6, 1], 0.3, np.random.default_rng(3), inside=0.2)
    order = np.random.default_rng(4).permutation(23)
    before = hdbscan(from_dense(distance), 23, min_cluster_size=4, min_samples=3).labels
    after = hdbscan(from_dense(distance[np.ix_(order, order)]), 23, min_cluster_size=4, min_samples=3).labels
    assert adjusted_rand_score(before[order], after) == 1


@pytest.mark.parametrize("num_rows", [0, 1, 3, 10])
def test_nothing_near_is_all_noise(num_rows):
    nothing = Edges(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))
    assert hdbscan(nothing, num_rows, min_cluster_size=2, min_samples=2).labels.tolist() == [-1] * num_rows


def test_bad_parameters_are_refused(from_dense):
    with pytest.raises(ConfigError, match="min_cluster_size 1"):
        hdbscan(from_dense(np.zeros((3, 3))), 3, min_cluster_size=1, min_samples=1)
