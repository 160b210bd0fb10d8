import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import roc_auc_score

from raydist.association.quality import correct_assignments, link_precision, uncertainty_auroc
from raydist.types import NOISE, UNKNOWN_IDENTITY


def explicit(assignment, clusters, identity):
    found = {}
    for row, cluster in enumerate(assignment):
        members = [
            identity[j]
            for j in range(len(clusters))
            if clusters[j] == cluster and identity[j] != UNKNOWN_IDENTITY
        ]
        if cluster != NOISE and identity[row] != UNKNOWN_IDENTITY and members:
            most = max(members.count(name) for name in members)
            people = {name for name in members if members.count(name) == most}
            found[row] = (identity[row] in people) / len(people)
    return found


def drawn(rng, num_clusters):
    """Thirty tracklets in clusters and thirty that are assigned to them, of four people and unknown ones."""
    clusters = np.where(np.arange(60) < 30, rng.integers(-1, num_clusters, 60), NOISE)
    assignment = np.where(np.arange(60) >= 30, rng.integers(-1, num_clusters + 1, 60), NOISE)
    return assignment, clusters, rng.integers(UNKNOWN_IDENTITY, 4, 60)


@pytest.mark.parametrize("seed", range(5))
def test_assignments_agree_with_counting(seed):
    assignment, clusters, identity = drawn(np.random.default_rng(seed), num_clusters=5)
    rows, right = correct_assignments(assignment, clusters, identity)
    assert dict(zip(rows.tolist(), right.tolist(), strict=True)) == explicit(assignment, clusters, identity)


def test_nothing_assigned_is_no_row():
    nobody = np.full(3, NOISE)
    rows, right = correct_assignments(nobody, nobody, np.arange(3))
    assert rows.size == right.size == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_numbers_of_identities_do_not_matter(seed):
    """Clusters of few members, so that most of them have several persons of equal number."""
    rng = np.random.default_rng(seed)
    assignment, clusters, identity = drawn(rng, num_clusters=8)
    renumbered = np.append(rng.permutation(4) * 1000, UNKNOWN_IDENTITY)[identity]
    rows, right = correct_assignments(assignment, clusters, identity)
    other_rows, other_right = correct_assignments(assignment, clusters, renumbered)
    assert (rows.tolist(), right.tolist()) == (other_rows.tolist(), other_right.tolist())
    assert ((right > 0) & (right < 1)).any()
    doubt = rng.integers(0, 5, len(rows)) / 5
    assert uncertainty_auroc(doubt, right) == uncertainty_auroc(doubt, other_right)


def explicit_auroc(doubt, right):
    """Over all pairs of a wrong and a right row, each weighted by how far it is one."""
    weighted = [
        ((1 - right[i]) * right[j], 1.0 if doubt[i] > doubt[j] else 0.5 if doubt[i] == doubt[j] else 0.0)
        for i in range(len(doubt))
        for j in range(len(doubt))
    ]
    return sum(weight * value for weight, value in weighted) / sum(weight for weight, _ in weighted)


@pytest.mark.parametrize("seed", range(5))
def test_auroc_agrees_with_the_pairs(seed):
    rng = np.random.default_rng(seed)
    doubt, right = rng.integers(0, 8, 40) / 8, rng.choice([0, 1 / 3, 0.5, 1], 40)
    assert uncertainty_auroc(doubt, right) == pytest.approx(explicit_auroc(doubt, right), abs=1e-12)
    whole = rng.integers(0, 2, 40)
    assert uncertainty_auroc(doubt, whole.astype(float)) == roc_auc_score(1 - whole, doubt)


def test_auroc_is_that_of_the_wrong_rows():
    right = np.array([1.0, 1.0, 0.0, 0.0])
    doubt = np.array([0.1, 0.6, 0.5, 0.9])
    assert uncertainty_auroc(doubt, right) == roc_auc_score([0, 0, 1, 1], doubt) == 0.75
    assert uncertainty_auroc(doubt, np.ones(4)) is uncertainty_auroc(doubt, np.zeros(4)) is None
    assert uncertainty_auroc(doubt, np.full(4, 0.5)) == 0.5


def test_precision_counts_links_of_known_people():
    links = csr_array((np.ones(4), ([0, 0, 1, 2], [1, 2, 3, 3])), shape=(4, 4))
    assert link_precision(links, np.array([5, 5, 6, UNKNOWN_IDENTITY])) == 0.5
    assert link_precision(links, np.full(4, UNKNOWN_IDENTITY)) is None
