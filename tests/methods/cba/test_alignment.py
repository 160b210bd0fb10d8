"""Twelve people before two visible and two infrared cameras; every infrared cluster holds two of them."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from raydist.clustering.quality import ari
from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.engine.local_features import LocalFeatures
from raydist.methods.cba.alignment import GuidanceParams, align
from raydist.methods.cba.targets import aligned_targets
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.method import MethodContext
from raydist.neighbours.jaccard.edges import Edges
from raydist.types import NOISE, Modality

PEOPLE, EACH, PARTS, WIDTH = 12, 6, 3, 32
HALF = PEOPLE * EACH
NO_EDGES = Edges(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))


@dataclass
class World:
    person: np.ndarray
    features: np.ndarray
    clusters: ModalityClusters
    context: MethodContext

    @property
    def means(self):
        return LocalFeatures(self.features, self.context.tracklets).means()

    def align(self, mode="full", **params):
        features = LocalFeatures(self.features, self.context.tracklets)
        return align(features, self.clusters, self.context, GuidanceParams(mode=mode, **params))


def world(seed=0, noise=0.3, per_cluster=2):
    rng = np.random.default_rng(seed)
    person = np.tile(np.repeat(np.arange(PEOPLE), EACH), 2)
    modality, camera = np.repeat([0, 1], HALF).astype(np.int8), np.arange(2 * HALF) % 2
    view = modality * 2 + camera
    look, bias = rng.standard_normal((PEOPLE, WIDTH)), 2 * rng.standard_normal((4, WIDTH))
    x = (look[person] + bias[view])[:, None] + noise * rng.standard_normal((2 * HALF, PARTS, WIDTH))
    features = (x / np.linalg.norm(x, axis=2, keepdims=True)).astype(np.float32)
    spec = ClusterSpec()
    context = MethodContext(
        TrainingSet(None, modality, camera, view),
        dict.fromkeys(Modality, spec),
        dict.fromkeys(Modality, 4),
        2,
    )
    infrared = person[HALF:] // per_cluster
    infrared[::11] = NOISE
    of = {
        Modality.VISIBLE: Clustering(person[:HALF], NO_EDGES),
        Modality.INFRARED: Clustering(infrared, NO_EDGES),
    }
    rows = {m: np.flatnonzero(modality == m) for m in Modality}
    return World(person, features, ModalityClusters(of, rows), context)


@pytest.fixture(scope="module")
def planted():
    return world()


@pytest.mark.parametrize("mode", ["fine", "full"])
def test_clusters_of_two_people_are_split_and_every_tracklet_finds_its_person(planted, mode):
    found, before = planted.align(mode, rho=1.0), planted.clusters.of[Modality.INFRARED].labels
    infrared = planted.person[HALF:]
    members = before != NOISE
    assert ari(infrared[members], found.labels[members]) == 1
    assert ((found.labels == NOISE) == ~members).all()
    assert (found.assignment == infrared).all()  # outliers too
    assert (found.targets.toarray().argmax(axis=1) == infrared).all()
    assert (found.host[found.labels[members]] == infrared[members]).all()
    assert found.metrics["under_clustered"] == PEOPLE // 2


def test_the_coarse_step_keeps_the_clusters_and_links_each_to_one_of_its_people(planted):
    found, before = planted.align("coarse", rho=1.0), planted.clusters.of[Modality.INFRARED].labels
    assert (found.labels == before).all()
    assert (found.host // 2 == np.arange(PEOPLE // 2)).all()
    assert (found.assignment == np.where(before == NOISE, NOISE, found.host[before])).all()
    assert np.array_equal(found.weights > 0, before != NOISE)


def test_one_to_one_matching_compares_centroids_as_they_are():
    alike = world(per_cluster=1)
    found = alike.align("hungarian")
    centroids = {m: alike.clusters.centroids(alike.means, m).astype(np.float64) for m in Modality}
    total = (centroids[Modality.VISIBLE][found.host] * centroids[Modality.INFRARED]).sum()
    assert sorted(found.host) == list(range(PEOPLE))
    rng = np.random.default_rng(0)
    others = (rng.permutation(PEOPLE) for _ in range(200))
    assert all(
        (centroids[Modality.VISIBLE][p] * centroids[Modality.INFRARED]).sum() <= total + 1e-9 for p in others
    )
    assert found.uncertainty is None


def test_unmatched_clusters_are_taught_nothing():
    few = world(per_cluster=1)
    visible = few.clusters.of[Modality.VISIBLE]
    fewer = replace(visible, labels=np.where(visible.labels >= 8, NOISE, visible.labels))
    few.clusters = replace(few.clusters, of={**few.clusters.of, Modality.VISIBLE: fewer})
    found = few.align("hungarian")
    assert (found.host != NOISE).sum() == 8
    taught = found.assignment != NOISE
    assert np.array_equal(found.weights, taught.astype(float))
    assert np.array_equal(found.targets.toarray().sum(axis=1), taught)


def test_only_guides_are_hosts(planted):
    found = planted.align(rho=0.5)
    assert len(np.unique(found.host)) <= PEOPLE // 2
    assert (np.unique(found.targets.indices) == np.unique(found.targets.nonzero()[1])).all()
    assert len(np.unique(found.targets.nonzero()[1])) <= PEOPLE // 2
    assert found.metrics["guides"] == PEOPLE // 2


def test_doubt_lowers_the_weight_and_softens_the_target():
    noisy = world(noise=1.5)
    found = noisy.align(kappa=1.0)
    order = np.argsort(found.uncertainty)
    assert (np.diff(found.weights[order]) < 0).all()
    assert found.weights.min() > np.exp(-1)
    hardest = found.targets.toarray().max(axis=1)
    assert hardest[order[:10]].mean() > hardest[order[-10:]].mean()
    assert (noisy.align("fine").weights == 1).all()
    assert (noisy.align("fine").targets.data == 1).all()
    assert (noisy.align(kappa=0.0).weights == 1).all()


def test_rows_may_come_in_any_order(planted):
    order = np.random.default_rng(0).permutation(HALF)
    rows = np.concatenate([np.arange(HALF), HALF + order])
    other = world()
    other.features = planted.features[rows]
    tracklets = TrainingSet(
        None, *(getattr(planted.context.tracklets, k)[rows] for k in ("modality", "camera", "view"))
    )
    other.context = replace(planted.context, tracklets=tracklets)
    infrared = planted.clusters.of[Modality.INFRARED]
    shuffled = replace(infrared, labels=infrared.labels[order])
    other.clusters = replace(planted.clusters, of={**planted.clusters.of, Modality.INFRARED: shuffled})
    found, expected = other.align(), planted.align()
    assert (found.labels == expected.labels[order]).all()
    assert (found.assignment == expected.assignment[order]).all()
    assert np.allclose(found.weights, expected.weights[order], atol=1e-9)


@pytest.mark.parametrize("mode", ["hungarian", "coarse", "fine", "full"])
def test_targets_speak_of_all_tracklets(planted, mode):
    found = planted.align(mode)
    targets = aligned_targets(planted.means, planted.clusters, found)
    arrays, diagnosis, infrared = targets.arrays, targets.diagnosis, slice(HALF, 2 * HALF)
    assert (targets.labels[:HALF] == planted.person[:HALF]).all()
    assert (targets.labels[infrared] == np.where(found.labels == NOISE, NOISE, found.labels + PEOPLE)).all()
    assert (diagnosis.labels_before == planted.clusters.joint).all()
    assert (diagnosis.assignment == np.append(np.full(HALF, NOISE), found.assignment)).all()
    assert (arrays["targets"][infrared] != found.targets).nnz == 0
    assert arrays["targets"][:HALF].nnz == 0
    assert np.allclose(arrays["weights"], np.append(np.zeros(HALF), found.weights))
    assert (diagnosis.uncertainty is not None) == (mode != "hungarian")
    if mode != "hungarian":
        assert np.isnan(diagnosis.uncertainty[:HALF]).all()
        assert np.array_equal(diagnosis.uncertainty[infrared], found.uncertainty)
    assert len(targets.memories["infrared"]) == found.labels.max() + 1 == targets.metrics["clusters_infrared"]
    assert targets.metrics["imbalance_before"] == 2
    assert targets.metrics["links"] == len(targets.memories["counterparts"]) == len(set(found.host) - {NOISE})


def test_a_visible_tracklet_finds_the_counterpart_of_its_cluster(planted):
    found = planted.align(rho=1.0)
    targets = aligned_targets(planted.means, planted.clusters, found)
    nu, counterpart = targets.memories["infrared"], targets.arrays["counterpart"]
    assert (counterpart[HALF:] == NOISE).all()
    for i in range(HALF):
        (own,) = np.flatnonzero(found.host == planted.person[i])
        assert np.allclose(targets.memories["counterparts"][counterpart[i]], nu[own], atol=1e-5)
