"""How good an association is, measured with identities: for the log, never for training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.metrics import roc_auc_score

from raydist.types import NOISE, UNKNOWN_IDENTITY, Doubles, Ints, Labels


def correct_assignments(assignment: Ints, clusters: Labels, identity: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Which rows were assigned to a cluster of their own person.

    A cluster's person is the most frequent known identity of its members, the smallest one among equals.

    Args:
        assignment: int64 [N], the cluster of the other modality that each row is assigned to, NOISE for none.
        clusters: int64 [N], the cluster of each row, NOISE for none.
        identity: int64 [N], or UNKNOWN_IDENTITY.

    Returns:
        The assigned rows of known identity whose cluster has a person, and whether each is right.

    >>> assignment, clusters = np.array([-1, -1, 0, 0]), np.array([0, 0, -1, -1])
    >>> rows, right = correct_assignments(assignment, clusters, np.array([7, 7, 7, 8]))
    >>> rows.tolist(), right.tolist()
    ([2, 3], [True, False])
    """
    members = (clusters != NOISE) & (identity != UNKNOWN_IDENTITY)
    pairs, counts = np.unique(np.stack((clusters[members], identity[members])), axis=1, return_counts=True)
    person = np.full(max(clusters.max(initial=NOISE), assignment.max(initial=NOISE)) + 1, UNKNOWN_IDENTITY)
    order = np.lexsort((-pairs[1], counts))  # last, the most frequent identity; among equals the smallest
    person[pairs[0, order]] = pairs[1, order]
    rows = np.flatnonzero((assignment != NOISE) & (identity != UNKNOWN_IDENTITY))
    rows = rows[person[assignment[rows]] != UNKNOWN_IDENTITY]
    return rows, person[assignment[rows]] == identity[rows]


def uncertainty_auroc(uncertainty: Doubles, right: NDArray[np.bool_]) -> float | None:
    """The probability that a wrong row is more uncertain than a right one.

    None where all rows are right or all are wrong.

    Args:
        uncertainty: float [n].
        right: bool [n].
    """
    return None if right.all() or not right.any() else float(roc_auc_score(~right, uncertainty))


def link_precision(links: csr_array, identity: Ints) -> float | None:
    """The share of links between rows of known identity that join the same person; None without such links.

    Args:
        links: CSR [N, N], a stored value is a link.
        identity: int64 [N], or UNKNOWN_IDENTITY.
    """
    i, j = links.nonzero()
    known = (identity[i] != UNKNOWN_IDENTITY) & (identity[j] != UNKNOWN_IDENTITY)
    return float((identity[i] == identity[j])[known].mean()) if known.any() else None
