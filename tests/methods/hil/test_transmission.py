import numpy as np
import pytest

from raydist.clustering.spec import Clustering
from raydist.data.training_set import TrainingSet
from raydist.engine.local_features import LocalFeatures
from raydist.errors import ClusteringError
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.hil.branches import branch_tables, joined_branches
from raydist.methods.hil.transmission import rank, transmit
from raydist.types import NOISE, Modality


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def nearest(x, table, k):
    """The k most similar rows, one comparison after the other; of equal ones the first."""
    ranked = sorted(range(len(table)), key=lambda j: (-float(np.dot(np.float64(x), np.float64(table[j]))), j))
    return ranked[:k]


def oracle(features, others, labels, num_neighbours, num_voters):
    """SDCL's association as its definition says it, row after row."""
    chosen = []
    for row in range(len(features[0])):
        deep = nearest(features[0][row], others[0], num_neighbours)
        shallow = nearest(features[-1][row], others[-1], num_neighbours)
        best, label = -1, None
        for one in deep:
            agreeing = sum(labels[other] == labels[one] for other in shallow)
            if agreeing > best:
                best, label = agreeing, labels[one]
        chosen.append(label)
    smooth = []
    for row in range(len(chosen)):
        likeness = [
            (sum(float(np.dot(np.float64(x[row]), np.float64(x[j]))) for x in features), j == row, -j)
            for j in range(len(chosen))
        ]
        voters = sorted(range(len(chosen)), key=lambda j: likeness[j], reverse=True)[:num_voters]
        votes = [chosen[j] for j in voters]
        smooth.append(min(set(votes), key=lambda label: (-votes.count(label), label)))
    return smooth


def world(seed, branches):
    """12 people with 4 visible rows and 3 infrared ones, one after the other, two of these noise.

    Returns:
        Features of the tracklets, their branches, and the clusters of each modality.
    """
    rng = np.random.default_rng(seed)
    person, infrared = np.repeat(np.arange(12), 7), np.tile(np.arange(7) > 3, 12)
    looks = rng.standard_normal((branches, 12, 8))[:, person] + 0.7 * rng.standard_normal((branches, 84, 8))
    parts = [unit(look) for look in looks]
    rows = {m: np.flatnonzero(infrared == bool(m)) for m in Modality}
    labels = {m: person[rows[m]] for m in Modality}
    labels[Modality.INFRARED][[1, 5]] = NOISE
    means = LocalFeatures(
        (np.concatenate(parts, axis=1) / np.float32(branches**0.5))[:, None],
        TrainingSet(None, infrared.astype(np.int8), person, person),
    )
    return means, parts, ModalityClusters({m: Clustering(labels[m], 12) for m in Modality}, rows)


def ranked(means, number, clusters, **settings):
    return rank(branch_tables(means, number), joined_branches(means, number), clusters, **settings)


@pytest.mark.parametrize("branches", [1, 2])
@pytest.mark.parametrize(("num_neighbours", "num_voters"), [(1, 1), (5, 5), (10, 5), (100, 100)])
def test_labels_are_those_of_the_loop(branches, num_neighbours, num_voters):
    for seed in range(4):
        means, parts, clusters = world(seed, branches)
        found = ranked(means, branches, clusters, num_neighbours=num_neighbours, num_voters=num_voters)
        visible, infrared = (clusters.rows[m] for m in Modality)
        wanted = oracle(
            [part[visible] for part in parts],
            [part[infrared] for part in parts],
            clusters.of[Modality.INFRARED].labels,
            num_neighbours,
            num_voters,
        )
        assert found[visible].tolist() == wanted
        assert (found[infrared] == NOISE).all()


@pytest.mark.parametrize("source", list(Modality))
@pytest.mark.parametrize("threshold", [0.0, 0.7, 0.95, 1.0])
def test_a_label_crosses_where_sample_and_prototype_choose_each_other(source, threshold):
    means, (table,), clusters = world(3, 1)
    rows, own, doubles = clusters.rows[source.other], clusters.labels(source), table.astype(np.float64)
    prototypes = [doubles[own == c].mean(axis=0) for c in range(12)]
    cosine = doubles[rows] @ np.stack([p / np.linalg.norm(p) for p in prototypes]).T
    chosen = cosine.argmax(axis=1)
    near = cosine.max(axis=1) >= threshold * cosine.max(axis=0)[chosen] - 1e-6 * (threshold == 1)
    wanted = np.where(near & (clusters.of[source.other].labels != NOISE), chosen, NOISE)
    labels = transmit(means, clusters, source, threshold=threshold)
    assert labels[source.other][rows].tolist() == wanted.tolist()
    assert labels[source].tolist() == own.tolist()


def test_where_noise_wins_everywhere_the_error_says_what_to_do(two_branches, deep_and_shallow):
    x = deep_and_shallow.copy()
    x[7:9] = x[10:12] = np.roll(x[6:7], 1, axis=-1)
    clusters = ModalityClusters(
        {
            Modality.VISIBLE: Clustering(np.array([0, 0, 0, 1, 1, 1]), 2),
            Modality.INFRARED: Clustering(np.array([NOISE] * 5 + [0]), 1),
        },
        {m: two_branches.rows(m) for m in Modality},
    )
    means = LocalFeatures(x, two_branches.tracklets).means()
    with pytest.raises(
        ClusteringError, match=r"no clustered visible tracklet .* method.baseline.ranking = 6"
    ):
        ranked(means, 2, clusters, num_neighbours=6, num_voters=5)
