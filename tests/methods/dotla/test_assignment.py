"""What tracklets learn about the clusters across, against dense tables and loops."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logsumexp

from raydist.clustering.spec import Clustering
from raydist.data.training_set import TrainingSet
from raydist.engine.local_features import LocalFeatures
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.dotla.assignment import AssignmentParams, assign
from raydist.types import NOISE, Modality


def scene(seed, num_clusters=(5, 4), noise=0.35, width=12):
    """Drawn features with clusters of unequal sizes and outliers, in a mixed order of rows."""
    rng = np.random.default_rng(seed)
    modality = rng.permutation(np.repeat([0, 1], [40, 30]))
    looks, rows, of = rng.normal(size=(5, width)), {}, {}
    x = np.zeros((70, width))
    for m in Modality:
        rows[m] = np.flatnonzero(modality == m)
        number = num_clusters[m]
        labels = np.r_[np.arange(number), rng.integers(-1, number, len(rows[m]) - number)]
        of[m] = Clustering(labels, lambda: None)
        x[rows[m]] = looks[labels % 5] + noise * rng.normal(size=(len(labels), width)) + 0.2 * m
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    tracklets = TrainingSet(None, modality.astype(np.int8), np.zeros(70, np.int64), modality)
    return SimpleNamespace(
        x=x,
        means=LocalFeatures(x[:, None], tracklets),
        clusters=ModalityClusters(of, rows),
        modality=modality,
    )


def centroids_of(s):
    return {m: s.clusters.centroids(s.means, m) for m in Modality}


ROUNDS = 200
"""Of the scaling, which need not end where a row may go to a few columns alone."""


def dense_plan(cost, columns, sharpness):
    """The scaling of a dense table in double precision."""
    log_kernel, a = -sharpness * cost, np.zeros(len(cost))
    for _ in range(ROUNDS):
        b = np.log(columns / columns.sum()) - logsumexp(log_kernel + a[:, None], axis=0)
        a = -np.log(len(cost)) - logsumexp(log_kernel + b, axis=1)
    return np.exp(a[:, None] + log_kernel + b)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("marginal", ["uniform", "sizes"])
@pytest.mark.parametrize("num_candidates", [None, 3])
def test_labels_are_those_of_a_dense_plan(seed, marginal, num_candidates):
    s = scene(seed)
    params = AssignmentParams(
        marginal=marginal,
        num_candidates=num_candidates,
        sharpness=5,
        sinkhorn_tolerance=0,
        sinkhorn_iterations=ROUNDS,
    )
    arrays, centroids = assign(s.means, s.clusters, centroids_of(s), params), centroids_of(s)
    for source in Modality:
        rows = np.flatnonzero(arrays.own[source] != NOISE)
        cost = ((s.x[rows].astype(float)[:, None] - centroids[source.other].astype(float)) ** 2).sum(axis=2)
        if num_candidates:
            for row in cost:
                row[np.argsort(row)[num_candidates:]] = np.inf
        others = arrays.own[source.other]
        sizes = np.array([(others == c).sum() for c in range(len(centroids[source.other]))])
        plan = dense_plan(cost, np.ones(len(sizes)) if marginal == "uniform" else sizes, 5)
        assert arrays.assigned[rows].tolist() == plan.argmax(axis=1).tolist()
        outliers = (s.modality == source) & (arrays.own[source] == NOISE)
        assert outliers.any()
        assert (arrays.assigned[outliers] == NOISE).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 4, 60])
def test_neighbours_are_the_nearest_clustered_tracklets_across(seed, k):
    s = scene(seed)
    arrays = assign(s.means, s.clusters, centroids_of(s), AssignmentParams(num_neighbours=k))
    own, expected = arrays.own, np.zeros((70, 9))
    for i in range(70):
        source = Modality(int(s.modality[i]))
        if own[source][i] == NOISE:
            continue
        others = [j for j in range(70) if own[source.other][j] != NOISE]
        near = sorted(others, key=lambda j: -float(s.x[i].astype(float) @ s.x[j].astype(float)))[:k]
        for j in near:
            column = own[source.other][j] + (5 if source == Modality.VISIBLE else 0)
            expected[i, column] += 1 / len(near)
    np.testing.assert_allclose(arrays.neighbours.toarray(), expected, atol=1e-6)


@pytest.mark.parametrize("num_visible", range(2, 7))
@pytest.mark.parametrize("num_infrared", range(2, 7))
def test_any_numbers_of_clusters(num_visible, num_infrared):
    s = scene(0, num_clusters=(num_visible, num_infrared))
    arrays = assign(s.means, s.clusters, centroids_of(s), AssignmentParams())
    for source, number in zip(Modality, (num_infrared, num_visible), strict=True):
        labels = arrays.assigned_from(source)
        assert set(labels) <= set(range(-1, number))
        assert np.array_equal(labels != NOISE, arrays.own[source] != NOISE)
    assert arrays.neighbours.shape == (70, num_visible + num_infrared)
