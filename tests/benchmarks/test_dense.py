from contextlib import contextmanager

import numpy as np
import pytest

from raydist.benchmarks import dense
from raydist.benchmarks.features import draw_features
from raydist.clustering.spec import ClusterSpec, cluster_edges
from raydist.neighbours.jaccard.graph import jaccard_graph


@pytest.fixture
def stages():
    return []


@pytest.fixture
def watch(stages):
    @contextmanager
    def open_stage(name):
        yield
        stages.append(name)

    return open_stage


@pytest.mark.parametrize(("k1", "k2", "eps"), [(30, 6, 0.6), (20, 1, 0.7), (15, 4, 0.55)])
def test_both_ways_give_the_same_labels(stages, watch, k1, k2, eps):
    features = draw_features(700, 64, seed=1, shuffled=True).table.features
    spec = ClusterSpec(k1=k1, k2=k2, eps=eps)
    sparse = cluster_edges(jaccard_graph(features, spec.metric, eps_max=eps).edges, 700, spec).labels
    labels = dense.dense_labels(features, k1=k1, k2=k2, eps=eps, min_samples=spec.min_samples, watch=watch)
    assert labels.max() > 5
    assert np.array_equal(labels, sparse)
    assert stages == ["search", "encode", "expand", "edges", "cluster"]


def test_distances_by_the_published_formulas():
    """Steps against loops over sets and a dense float64 matrix."""
    features = draw_features(60, 8, seed=0).table.features
    k1, k2 = 10, 3
    ranked = dense._search(features, k1)
    v = np.zeros((60, 60))
    lists = [list(row) for row in ranked]

    def reciprocal(i: int, k: int) -> set[int]:
        return {j for j in lists[i][: k + 1] if i in lists[j][: k + 1]}

    for i in range(60):
        base = members = reciprocal(i, k1)
        for j in base:
            near = reciprocal(j, k1 // 2)
            if len(near & base) > 2 / 3 * len(near):
                members = members | near
        for j in members:
            v[i, j] = np.exp(-np.sum((features[i].astype(float) - features[j]) ** 2))
        v[i] /= v[i].sum()
    v = np.stack([v[lists[i][:k2]].mean(axis=0) for i in range(60)])
    expected = np.array([[1 - np.minimum(a, b).sum() / np.maximum(a, b).sum() for b in v] for a in v])
    found = dense._jaccard(dense._expand(dense._encode(features, ranked, k1), ranked, k2))
    assert np.allclose(found, expected, atol=1e-6)
