from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.cluster import DBSCAN

from raydist.clustering.hdbscan_spec import HDBSCAN_EPS
from raydist.clustering.self_paced import self_paced
from raydist.clustering.spec import ClusterSpec, cluster_edges, cluster_features
from raydist.errors import ConfigError
from raydist.neighbours.jaccard.graph import jaccard_graph

SPECS = [
    ClusterSpec(k1=20),
    ClusterSpec("camera-aware"),
    ClusterSpec("modality-aware", k1=20),
]
TIES = [ClusterSpec(k1=15, eps=0.5), ClusterSpec(k1=15, k2=4, eps=0.4)]


def expected_labels(distance, spec):
    return DBSCAN(eps=spec.eps + 1e-6, min_samples=spec.min_samples, metric="precomputed").fit_predict(
        distance
    )


@pytest.mark.parametrize(("num_rows", "seed"), [(300, 0), (300, 1), (300, 2), (1000, 3)])
@pytest.mark.parametrize("spec", [*SPECS, *TIES])
def test_labels_are_those_of_dense_distances(crowd, dense_jaccard, spec, num_rows, seed):
    """Whatever the slabs and threads; eps 0.5 with k2 = 6 and 0.4 with k2 = 4 are frequent distances."""
    x, group = crowd(num_rows, seed)
    expected = expected_labels(dense_jaccard(x, spec.metric, group), spec)
    assert expected.max() > 10
    assert (expected == -1).any()
    for slabs, threads in ((1, 1), (3, 2)):
        clustering = cluster_features(x, spec, modality=group, camera=group, num_slabs=slabs, threads=threads)
        assert np.array_equal(clustering.labels, expected)


@pytest.mark.parametrize("spec", [ClusterSpec(), ClusterSpec("camera-aware"), ClusterSpec("modality-aware")])
def test_labels_of_three_thousand_rows(crowd, dense_jaccard, spec):
    x, group = crowd(3000, 4)
    distance = dense_jaccard(x, spec.metric, group)
    edges = jaccard_graph(x, spec.metric, group, eps_max=0.6, threads=2).edges
    for eps in (0.4, 0.5, 0.6):
        cut = spec.with_values(eps=eps)
        assert np.array_equal(cluster_edges(edges, 3000, cut).labels, expected_labels(distance, cut))


@pytest.mark.parametrize("spec", SPECS)
def test_one_group_alone(crowd, dense_jaccard, spec):
    x, group = crowd(300, 5, groups=1)
    clustering = cluster_features(x, spec, modality=group, camera=group)
    assert np.array_equal(clustering.labels, expected_labels(dense_jaccard(x, spec.metric, group), spec))
    assert clustering.num_clusters > 5


@pytest.mark.parametrize("spec", [*SPECS, ClusterSpec(self_paced=True), ClusterSpec(algorithm="hdbscan")])
@pytest.mark.parametrize("num_rows", [0, 1, 2, 3])
def test_hardly_any_rows(spec, num_rows):
    x, group = np.eye(3, dtype=np.float32)[:num_rows], np.arange(num_rows, dtype=np.int8) % 2
    clustering = cluster_features(x, spec, modality=group, camera=group, num_slabs=2, threads=2)
    assert clustering.labels.tolist() == [-1] * num_rows


def test_equal_rows_are_one_cluster_each():
    x = np.repeat(np.eye(2, dtype=np.float32), [50, 60], axis=0)
    assert cluster_features(x, ClusterSpec()).labels.tolist() == [0] * 50 + [1] * 60


def test_the_gate_reaches_the_distance(crowd):
    x, modality = crowd(300, 6)
    spec = ClusterSpec("modality-aware", k1=20)
    graphs = [
        cluster_features(x, spec.with_values(gate=gate), modality=modality).edges for gate in (None, 0.9)
    ]
    crossing = [int((modality[edges.i] != modality[edges.j]).sum()) for edges in graphs]
    assert crossing[1] < crossing[0]
    with pytest.raises(ConfigError, match=r"gate = 0\.5 with jaccard"):
        _ = ClusterSpec(gate=0.5).metric


def test_a_self_paced_clustering_compares_three_radii(crowd):
    x, _ = crowd(1000, 7)
    spec = ClusterSpec(self_paced=True, margin=0.05)
    clustering = cluster_features(x, spec)
    assert clustering.edges.distance.max() > 0.6 + 1e-5
    plain = [cluster_edges(clustering.edges, 1000, ClusterSpec(eps=eps)).labels for eps in (0.6, 0.55, 0.65)]
    assert np.array_equal(clustering.labels, self_paced(*plain))
    assert 0 < clustering.num_clusters <= plain[0].max() + 1
    assert (clustering.labels == -1).sum() > (plain[0] == -1).sum()


def test_the_radius_covers_what_the_algorithm_asks_for():
    assert ClusterSpec(eps=0.4).radius == 0.4
    assert ClusterSpec(eps=0.4, self_paced=True, margin=0.1).radius == 0.5
    assert ClusterSpec(eps=0.99, self_paced=True).radius == 1
    assert ClusterSpec(algorithm="hdbscan", eps=0.4).radius == HDBSCAN_EPS


def test_stages_can_be_watched_one_by_one():
    seen = []

    @contextmanager
    def watch(name):
        seen.append(name)
        yield

    cluster_features(np.eye(4, dtype=np.float32), ClusterSpec(), watch=watch)
    assert seen == ["search", "encode", "expand", "edges", "cluster"]


def test_bad_parameters_are_refused():
    with pytest.raises(ConfigError, match="self_paced with hdbscan"):
        ClusterSpec(algorithm="hdbscan", self_paced=True)
    with pytest.raises(ConfigError, match="margin = 0"):
        ClusterSpec(margin=0)
