"""How good an association is, measured with identities: for the log, never for training."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from sklearn.metrics import roc_auc_score

from raydist.types import NOISE, UNKNOWN_IDENTITY, Doubles, Ints, Labels


def correct_assignments(assignment: Ints, clusters: Labels, identity: Ints) -> tuple[Ints, Doubles]:
    """How far each row was assigned to a cluster of its own person.

    A cluster's person is the most frequent known identity of its members. Where k of them are equally
    frequent, each is the cluster's person by 1 / k, so that the numbers of the identities never matter.

    Args:
        assignment: int64 [N], the cluster of the other modality that each row is assigned to, NOISE for none.
        clusters: int64 [N], the cluster of each row, NOISE for none.
        identity: int64 [N], or UNKNOWN_IDENTITY.

    Returns:
        The assigned rows of known identity whose cluster has a person, and how far each is right, in [0, 1].

    >>> assignment, clusters = np.array([-1, -1, -1, 0, 0, 1]), np.array([0, 0, 1, 1, -1, -1])
    >>> rows, right = correct_assignments(assignment, clusters, np.array([7, 7, 7, 8, 7, 8]))
    >>> rows.tolist(), right.tolist()
    ([3, 4, 5], [0.0, 1.0, 0.5])
    """
    people, person = np.unique(identity, return_inverse=True)
    members = (clusters != NOISE) & (identity != UNKNOWN_IDENTITY)
    pairs, counts = np.unique(clusters[members] * len(people) + person[members], return_counts=True)
    cluster = pairs // max(len(people), 1)
    largest = np.zeros(max(clusters.max(initial=NOISE), assignment.max(initial=NOISE)) + 1, np.int64)
    np.maximum.at(largest, cluster, counts)
    most = counts == largest[cluster]
    num_equal = np.bincount(cluster[most], minlength=len(largest))
    rows = np.flatnonzero((assignment != NOISE) & (identity != UNKNOWN_IDENTITY))
    rows = rows[largest[assignment[rows]] > 0]
    own = np.isin(assignment[rows] * len(people) + person[rows], pairs[most])
    return rows, own / num_equal[assignment[rows]]


def uncertainty_auroc(uncertainty: Doubles, right: Doubles) -> float | None:
    """The probability that a wrong row is more uncertain than a right one, ties counting half.

    A row that is right by r counts r as a right one and 1 - r as a wrong one. None where all rows are wholly
    right or all are wholly wrong.

    Args:
        uncertainty: float [n].
        right: float [n], in [0, 1].
    """
    if not (right > 0).any() or not (right < 1).any():
        return None
    wrong = np.repeat([False, True], len(right))
    weight = np.concatenate((right, 1 - right))
    return float(roc_auc_score(wrong, np.tile(uncertainty, 2), sample_weight=weight))


def link_precision(links: csr_array, identity: Ints) -> float | None:
    """The share of links between rows of known identity that join the same person; None without such links.

    Args:
        links: CSR [N, N], a stored value is a link.
        identity: int64 [N], or UNKNOWN_IDENTITY.
    """
    i, j = links.nonzero()
    known = (identity[i] != UNKNOWN_IDENTITY) & (identity[j] != UNKNOWN_IDENTITY)
    return float((identity[i] == identity[j])[known].mean()) if known.any() else None
