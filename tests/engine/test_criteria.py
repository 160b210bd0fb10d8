"""Every criterion against loops over rows, pairs and clusters."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from raydist.clustering.quality import noise_as_singletons
from raydist.clustering.spec import ClusterSpec
from raydist.engine.criteria import (
    balance,
    consistency,
    silhouettes,
    stability,
    unsupervised_criteria,
)
from raydist.engine.criteria_names import CRITERIA
from raydist.engine.inputs import open_inputs
from raydist.engine.local_features import ClusteredOnce, LocalFeatures
from raydist.engine.loop import run_epoch
from raydist.engine.schema import TuneSection
from raydist.engine.state import build_state
from raydist.errors import DataError
from raydist.methods.method import Targets
from raydist.neighbours.jaccard.edges import Edges
from raydist.types import NOISE, Modality


def graph(rng, num_rows, share):
    """A random sparse graph, and its dense distances with 1 where there is no edge."""
    pairs = [pair for pair in combinations(range(num_rows), 2) if rng.random() < share]
    i, j = np.array(pairs, np.int32).reshape(-1, 2).T
    distance = rng.choice(np.array([0, 0.25, 0.5, 0.7, 1], np.float32), len(pairs))
    dense = np.ones((num_rows, num_rows))
    np.fill_diagonal(dense, 0)
    dense[i, j] = dense[j, i] = distance
    return Edges(i, j, distance), dense


def slow_silhouettes(dense, labels):
    found = []
    for i, label in enumerate(labels):
        mates = [j for j in range(len(labels)) if labels[j] == label and j != i]
        others = [[j for j in range(len(labels)) if labels[j] == other] for other in set(labels) - {label}]
        if not mates or not others:
            found.append(0.0)
            continue
        a, b = np.mean(dense[i, mates]), min(np.mean(dense[i, other]) for other in others)
        found.append((b - a) / max(a, b) if max(a, b) else 0.0)
    return np.array(found)


@pytest.mark.parametrize("seed", range(6))
def test_silhouettes_are_those_of_the_dense_distances(seed):
    rng = np.random.default_rng(seed)
    edges, dense = graph(rng, 24, [0.05, 0.3, 0.8][seed % 3])
    labels = rng.integers(NOISE, 5, 24)
    own = noise_as_singletons(labels)
    found = silhouettes(edges, labels)
    np.testing.assert_allclose(found, slow_silhouettes(dense, own.tolist()), atol=1e-12)
    np.testing.assert_allclose(found, silhouette_samples(dense, own, metric="precomputed"), atol=1e-12)
    assert (found[labels == NOISE] == 0).all()


def test_silhouettes_do_not_know_the_numbers_of_clusters():
    edges, _ = graph(np.random.default_rng(0), 12, 0.5)
    labels = np.array([0, 0, 1, 1, 2, 2, -1, 0, 1, 2, -1, 0])
    np.testing.assert_array_equal(
        silhouettes(edges, labels), silhouettes(edges, np.where(labels == NOISE, NOISE, 70 - labels))
    )


@pytest.mark.parametrize("labels", [[], [NOISE], [0], [3, 3, 3], [NOISE, NOISE]])
def test_without_two_clusters_there_is_no_silhouette(labels):
    edges, _ = graph(np.random.default_rng(0), len(labels), 1.0)
    assert silhouettes(edges, np.array(labels, np.int64)).tolist() == [0.0] * len(labels)


def test_stability_takes_rows_that_are_clustered_both_times():
    labels = np.array([0, 0, 1, 1, 2, NOISE])
    assert stability(labels, np.array([5, 5, 3, 3, NOISE, 3])) == 1.0
    assert stability(labels, np.array([0, 1, 0, 1, 0, 0])) < 0
    assert stability(labels, np.full(6, NOISE)) is None


def of(parts):
    return LocalFeatures(parts, None)


def slow_consistency(parts, view):
    """Means over all pairs of pieces of one tracklet, and over all pairs of tracklets of one view and their
    pieces."""
    own = [a @ b for tracklet in parts for a, b in combinations(tracklet, 2)]
    across = [
        a @ b
        for i, j in combinations(range(len(parts)), 2)
        if view[i] == view[j]
        for a in parts[i]
        for b in parts[j]
    ]  # fmt: skip
    return 1 - (1 - np.mean(own)) / (1 - np.mean(across))


def unit(values):
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("num_parts", [2, 4])
def test_consistency_is_that_of_all_pairs(num_parts):
    rng = np.random.default_rng(num_parts)
    parts = unit(rng.normal(size=(15, 1, 8)) + 0.4 * rng.normal(size=(15, num_parts, 8)))
    view = rng.integers(0, 3, 15)
    assert consistency(of(parts), view) == pytest.approx(
        slow_consistency(parts.astype(np.float64), view), abs=1e-6
    )


def test_consistency_is_not_fooled_by_a_collapse_or_by_cameras():
    rng = np.random.default_rng(0)
    same = np.broadcast_to(unit(rng.normal(size=8)), (10, 3, 8))
    assert consistency(of(same), np.zeros(10, np.int64)) == 0.0
    view = np.arange(400) % 2
    of_camera = unit(8 * np.eye(2, 32)[view][:, None] + rng.normal(size=(400, 3, 32)))
    assert consistency(of(of_camera), view) == pytest.approx(0, abs=0.02)
    assert consistency(of(of_camera), np.zeros(400, np.int64)) > 0.3


def test_consistency_needs_pieces_and_companions():
    parts = unit(np.random.default_rng(0).normal(size=(3, 2, 4)))
    assert consistency(of(parts[:, :1]), np.zeros(3, np.int64)) is None
    assert consistency(of(parts), np.arange(3)) is None
    with pytest.raises(DataError, match=r"\[N, K, D\]"):
        consistency(of(parts), np.arange(2))


def test_balance_counts_a_joint_cluster_for_both():
    modality = np.array([0, 0, 0, 1, 1, 1], np.int8)
    assert balance(np.array([0, 1, 2, 0, 1, NOISE]), modality) == pytest.approx(2 / 3)
    assert balance(np.full(6, NOISE), modality) == 0.0


def test_every_criterion_can_be_an_objective():
    assert set(TuneSection.model_fields["objective"].annotation.__args__) == {"map", *CRITERIA}


@pytest.fixture
def people():
    """Sub-tracklet features of 6 people, 4 tracklets of each in each modality, and the training set they
    belong to."""
    rng = np.random.default_rng(0)
    person, modality = np.tile(np.arange(6).repeat(4), 2), np.arange(2, dtype=np.int8).repeat(24)
    features = unit(rng.normal(size=(6, 16))[person][:, None] + 0.2 * rng.normal(size=(48, 2, 16)))
    camera = np.arange(48) % 2
    return person, features, SimpleNamespace(modality=modality, camera=camera, view=2 * modality + camera)


SPECS = dict.fromkeys(Modality, ClusterSpec(k1=6, k2=2, min_samples=2))


def measured(people, targets, previous=None):
    _, features, tracklets = people
    return unsupervised_criteria(
        LocalFeatures(features, tracklets), targets, previous, tracklets=tracklets, clustering=SPECS
    )


def test_all_criteria_of_good_clusters_are_good(people):
    person, _, tracklets = people
    targets = Targets(person + 6 * tracklets.modality)
    found = measured(people, targets, targets)
    assert list(found) == list(CRITERIA)
    assert (found["stability"], found["balance"]) == (1.0, 1.0)
    assert found["silhouette"] > 0.5
    assert found["consistency"] > 0.8
    shuffled = Targets(np.random.default_rng(1).permutation(targets.labels))
    assert measured(people, shuffled)["silhouette"] < 0


def test_a_method_without_clusters_is_judged_by_those_of_the_configuration(people):
    person, _, tracklets = people
    none = Targets(np.full(48, NOISE))
    found = measured(people, none, none)
    own = measured(people, Targets(person + 6 * tracklets.modality))
    assert {"silhouette", "balance", "consistency"} == set(found)
    assert found == own


def test_rows_that_were_not_offered_do_not_count_as_noise(people):
    person, _, tracklets = people
    labels = person + 6 * tracklets.modality
    offered = np.arange(48) % 4 > 0
    half = np.where(offered, labels, NOISE)
    assert (
        measured(people, Targets(half, clustered=offered))["silhouette"]
        > measured(people, Targets(half))["silhouette"]
    )


def test_clusters_are_asked_for_once(people):
    _, features, tracklets = people
    asked = []

    class Counting(LocalFeatures):
        def cluster(self, rows, spec):
            asked.append(rows)
            return super().cluster(rows, spec)

    once, rows = ClusteredOnce(Counting(features, tracklets)), np.arange(24)
    first = once.means().cluster(rows, SPECS[Modality.VISIBLE])
    assert once.means().cluster(rows.copy(), SPECS[Modality.VISIBLE]) is first
    once.means().cluster(rows + 24, SPECS[Modality.VISIBLE])
    others = once.replaced(features[:, 1]).cluster(rows, SPECS[Modality.VISIBLE])
    assert others is not first
    assert len(asked) == 3


def test_they_are_reported_where_they_are_asked_for_and_change_nothing(smoke, smoke_inputs):
    words = [
        "method.name=pgm",
        "train.iterations=1",
        "train.batch_identities=2",
        "train.batch_instances=2",
        "evaluation.every=0",
    ]
    plain, judged = (
        build_state(smoke(*words, f"evaluation.criteria={on}"), smoke_inputs) for on in ("false", "true")
    )
    silent, told = ([run_epoch(state) for _ in range(2)] for state in (plain, judged))
    assert not any(report.criteria for report in silent)
    assert {"silhouette", "consistency", "balance"} <= set(told[0].criteria)
    assert "stability" in told[1].criteria
    for name, value in plain.encoder.state_dict().items():
        assert (value == judged.encoder.state_dict()[name]).all()


def test_criteria_of_features_of_any_length(smoke, tmp_path):
    """The method's own graph is taken, and consistency is that of directions."""
    words = ("method.name=dcl", "method.warm_up.share=0", "train.iterations=1", "evaluation.criteria=true")
    config = smoke(*words, "data.flip_average=true", "clustering.renormalise=false")
    state = build_state(config, open_inputs(config, tmp_path))
    run_epoch(state)
    assert set(state.targets.criteria) <= set(CRITERIA)
    assert -1 <= state.targets.criteria["silhouette"] <= 1
    assert state.targets.criteria["consistency"] <= 1
