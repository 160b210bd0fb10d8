import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.clustering.spec import Clustering
from raydist.methods.cba.posterior import cluster_means
from raydist.methods.cba.splitting import (
    affinity,
    capacities,
    largest,
    num_split,
    person_size,
    reorganise,
    restrict,
    smooth,
    split_crowded,
)
from raydist.neighbours.jaccard.edges import Edges
from raydist.types import NOISE

NO_EDGES = Edges(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))


def shares(*shape, seed=0):
    x = np.random.default_rng(seed).random(shape) + 0.01
    return x / x.sum(axis=-1, keepdims=True)


def some_labels(num_rows, num_clusters, seed=0):
    """Every cluster twice, then whatever comes, noise too."""
    rest = np.random.default_rng(seed).integers(-1, num_clusters, num_rows - 2 * num_clusters)
    return np.concatenate([np.tile(np.arange(num_clusters), 2), rest])


def some_edges(num_rows, seed=0):
    i, j = np.triu_indices(num_rows, 1)
    rng = np.random.default_rng(seed)
    chosen = rng.random(len(i)) < 0.2
    return Edges(
        i[chosen].astype(np.int32), j[chosen].astype(np.int32), rng.random(chosen.sum()).astype(np.float32)
    )


def test_a_person_is_as_large_as_the_median_visible_cluster_on_the_infrared_scale():
    visible = np.repeat([0, 1, 2, NOISE], [2, 4, 9, 5])
    assert person_size(visible, num_infrared=40) == pytest.approx(4 * 40 / 20)


@pytest.mark.parametrize("eta", [1.0, 1.5, 2.0])
def test_only_clusters_above_the_size_of_a_person_hold_several_guides(eta):
    sizes = np.arange(1, 60)
    found = capacities(sizes, 4.0, eta=eta, num_guides=12)
    assert found.tolist() == [1 if s <= eta * 4 else min(12, math.ceil(eta * s / 4)) for s in sizes]


def test_the_guides_with_the_most_mass_are_allowed():
    mass = shares(6, 5)
    mass[0] = 0.2
    capacity = np.array([2, 1, 2, 3, 4, 5])
    found = largest(csr_array(mass), capacity).toarray()
    for row, values, number in zip(found, mass, capacity, strict=True):
        assert np.flatnonzero(row).tolist() == sorted(
            sorted(range(5), key=lambda k: (-values[k], k))[:number]
        )


def test_posteriors_are_cut_to_the_guides_of_the_cluster():
    posterior, labels = shares(12, 5), some_labels(12, 3)
    allowed = np.array([[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 1, 1]], bool)
    found = restrict(csr_array(posterior), labels, csr_array(allowed * 1.0)).toarray()
    for i, label in enumerate(labels):
        kept = posterior[i] * (np.ones(5) if label == NOISE else allowed[label])
        assert np.allclose(found[i], kept / kept.sum(), atol=1e-12)


def test_a_posterior_without_any_mass_left_is_spread_over_the_allowed_guides():
    posterior = csr_array(np.array([[1.0, 0.0, 0.0], [0.4, 0.6, 0.0], [1.0, 0.0, 0.0]]))
    found = restrict(posterior, np.array([0, 0, NOISE]), csr_array(np.array([[0.0, 1.0, 1.0]])))
    assert found.toarray().tolist() == [[0, 0.5, 0.5], [0, 1, 0], [1, 0, 0]]


def test_neighbours_blend_in_by_their_affinity():
    edges, q0 = some_edges(9), shares(9, 4)
    weights = np.eye(9)
    for i, j, distance in zip(edges.i, edges.j, edges.distance.astype(np.float64), strict=True):
        weights[i, j] = weights[j, i] = 1 - distance
    weights /= weights.sum(axis=1, keepdims=True)
    distance = edges.matrix(9)
    for rows in (slice(0, 9), slice(2, 5)):
        found = affinity(distance[rows], rows.start).toarray()
        assert np.allclose(found, weights[rows], atol=1e-12)
    once = 0.5 * weights @ q0 + 0.5 * q0
    twice = 0.5 * weights @ once + 0.5 * q0
    for num_rounds, expected in enumerate((q0, once, twice)):
        smoothed = smooth(csr_array(q0), edges, num_rounds=num_rounds).toarray()
        assert np.allclose(smoothed, expected, atol=1e-12)
        assert np.allclose(smoothed.sum(axis=1), 1)


def reorganised(labels, posterior, allowed):
    """One member after the other."""
    part = [None] * len(labels)
    for c in range(len(allowed)):
        guides, members = np.flatnonzero(allowed[c]), np.flatnonzero(labels == c)
        first = {i: max(guides, key=lambda k: posterior[i, k]) for i in members}
        kept = [k for k in guides if list(first.values()).count(k) >= 2]
        for i in members:
            whole = len(guides) == 1 or not kept
            part[i] = (c, 0 if whole else max(kept, key=lambda k: posterior[i, k]))
    order = sorted({p for p in part if p is not None})
    return [NOISE if p is None else order.index(p) for p in part]


@pytest.mark.parametrize("seed", range(20))
def test_clusters_are_split_along_their_guides(seed):
    labels, posterior = some_labels(24, 4, seed), shares(24, 6, seed=seed)
    capacity = np.random.default_rng(seed).integers(1, 5, 4)
    allowed = largest(cluster_means(csr_array(posterior), labels), capacity)
    found = reorganise(labels, csr_array(posterior), allowed)
    assert found.tolist() == reorganised(labels, posterior, allowed.toarray())
    assert ((found == NOISE) == (labels == NOISE)).all()


def test_a_cluster_whose_members_all_disagree_stays_whole():
    assert reorganise(np.zeros(3, np.int64), csr_array(np.eye(3)), csr_array(np.ones((1, 3)))).tolist() == [
        0,
        0,
        0,
    ]


def test_a_lone_member_joins_the_best_guide_that_is_kept():
    posterior = np.array(
        [[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.05, 0.35, 0.6]]
    )
    found = reorganise(np.zeros(5, np.int64), csr_array(posterior), csr_array(np.ones((1, 3))))
    assert found.tolist() == [0, 0, 1, 1, 1]


def two_people(num_each):
    """Infrared tracklets of two people whose posteriors are plain, and the visible clusters of four
    people."""
    posterior = np.full((2 * num_each, 4), 0.02)
    posterior[:num_each, 1], posterior[num_each:, 3] = 0.94, 0.94
    return posterior, np.repeat(np.arange(4), num_each)


def test_a_cluster_of_two_people_falls_in_two():
    posterior, visible = two_people(6)
    person = person_size(visible, num_infrared=24)
    together = Clustering(np.zeros(12, np.int64), NO_EDGES)
    found, q = split_crowded(csr_array(posterior), together, person, eta=1.5, num_rounds=2)
    assert found.tolist() == [0] * 6 + [1] * 6
    assert q.toarray().argmax(axis=1).tolist() == [1] * 6 + [3] * 6
    assert num_split(together.labels, found) == 1


def test_a_cluster_of_one_person_stays_whole():
    posterior, visible = two_people(6)
    apart = Clustering(np.repeat([0, 1], 6), NO_EDGES)
    posterior[0] = posterior[11]  # a tracklet that looks like the other person
    found, q = split_crowded(
        csr_array(posterior), apart, person_size(visible, num_infrared=24), eta=1.5, num_rounds=2
    )
    assert found.tolist() == apart.labels.tolist()
    assert q.toarray().argmax(axis=1).tolist() == [1] * 6 + [3] * 6
    assert num_split(apart.labels, found) == 0
