"""Labels by the ranking of both branches, against a loop over all rows."""

from dataclasses import replace

import numpy as np
import pytest

from raydist.data.training_set import TrainingSet
from raydist.engine.local_features import LocalFeatures
from raydist.errors import ClusteringError
from raydist.methods.common.branch_contrast import SHARED
from raydist.methods.common.branches import branch_tables, joined_branches
from raydist.methods.common.ranked_labels import RankingParams, rank, shared_targets
from raydist.types import NOISE, Modality


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


def ranked(means, number, clusters, **settings):
    return rank(branch_tables(means, number), joined_branches(means, number), clusters, **settings)


@pytest.mark.parametrize("branches", [1, 2])
@pytest.mark.parametrize(("num_neighbours", "num_voters"), [(1, 1), (5, 5), (10, 5), (100, 100)])
def test_labels_are_those_of_the_loop(people_of_branches, branches, num_neighbours, num_voters):
    for seed in range(4):
        means, parts, clusters = people_of_branches(seed, branches)
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


def test_shared_targets_hold_what_the_loop_says(two_branches, people_of_branches):
    """Visible rows that no visible cluster has are in the prototypes, but not in the labels."""
    means, parts, clusters = people_of_branches(0, 2)
    visible, infrared = (clusters.rows[m] for m in Modality)
    outliers = [visible[2], visible[7]]
    for row in outliers:
        clusters.of[Modality.VISIBLE].labels[visible == row] = NOISE

    class Known(LocalFeatures):
        def cluster(self, rows, spec):
            return clusters.of[Modality.VISIBLE if rows[0] == visible[0] else Modality.INFRARED]

    modality = np.zeros(len(means), np.int8)
    modality[infrared] = Modality.INFRARED
    tracklets = TrainingSet(None, modality, modality, modality)
    known, context = Known(means.part(0, len(means)), tracklets), replace(two_branches, tracklets=tracklets)
    targets = shared_targets(known, context, RankingParams(ranking=5, voters=3), advice="")
    own = clusters.of[Modality.INFRARED].labels
    received = oracle([part[visible] for part in parts], [part[infrared] for part in parts], own, 5, 3)
    everywhere = np.full(len(means), NOISE)
    everywhere[visible], everywhere[infrared] = received, own
    trained = everywhere.copy()
    trained[outliers] = NOISE
    assert targets.labels.tolist() == trained.tolist()
    assert targets.arrays["visible"][visible].tolist() == trained[visible].tolist()
    assert targets.arrays["infrared"][infrared].tolist() == own.tolist()
    assert targets.metrics["selected"] == pytest.approx((trained[visible] != NOISE).sum() / (48 - 2))
    assert targets.diagnosis.assignment.tolist() == targets.arrays["infrared"].tolist()
    for b, part in enumerate(parts):
        for c in range(12):
            mean = part[everywhere == c].astype(np.float64).mean(axis=0)
            np.testing.assert_allclose(
                targets.memories[f"{SHARED}-{b}"][c], mean / np.linalg.norm(mean), atol=1e-6
            )
        for m in Modality:
            slots = targets.slots[f"slots-{m.label}-{b}"].part(0, len(means))[1]
            np.testing.assert_allclose(slots, part[clusters.rows[m]], atol=1e-6)


def test_where_noise_wins_everywhere_the_error_says_what_to_do(mostly_noise, two_branches):
    with pytest.raises(
        ClusteringError,
        match=r"no clustered visible tracklet .* 2 infrared clusters: begin later, or raise clustering\.eps",
    ):
        shared_targets(mostly_noise.means(), two_branches, RankingParams(ranking=6), advice="begin later")
