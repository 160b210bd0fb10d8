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
            person = min(set(members), key=lambda name: (-members.count(name), name))
            found[row] = person == identity[row]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_assignments_agree_with_counting(seed):
    rng = np.random.default_rng(seed)
    clusters = np.where(np.arange(60) < 30, rng.integers(-1, 5, 60), NOISE)
    assignment = np.where(np.arange(60) >= 30, rng.integers(-1, 6, 60), NOISE)
    identity = rng.integers(UNKNOWN_IDENTITY, 4, 60)
    rows, right = correct_assignments(assignment, clusters, identity)
    assert dict(zip(rows.tolist(), right.tolist(), strict=True)) == explicit(assignment, clusters, identity)


def test_nothing_assigned_is_no_row():
    nobody = np.full(3, NOISE)
    rows, right = correct_assignments(nobody, nobody, np.arange(3))
    assert rows.size == right.size == 0


def test_auroc_is_that_of_the_wrong_rows():
    right = np.array([True, True, False, False])
    doubt = np.array([0.1, 0.6, 0.5, 0.9])
    assert uncertainty_auroc(doubt, right) == roc_auc_score([0, 0, 1, 1], doubt) == 0.75
    assert uncertainty_auroc(doubt, np.ones(4, bool)) is None


def test_precision_counts_links_of_known_people():
    links = csr_array((np.ones(4), ([0, 0, 1, 2], [1, 2, 3, 3])), shape=(4, 4))
    assert link_precision(links, np.array([5, 5, 6, UNKNOWN_IDENTITY])) == 0.5
    assert link_precision(links, np.full(4, UNKNOWN_IDENTITY)) is None
