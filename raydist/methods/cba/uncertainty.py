"""How certain the visible prototype of an infrared tracklet is, and the tracklet's target then (PGUR of CBA).

CBA, arXiv 2604.15631. A video gives several predictions: a tracklet whose sub-tracklets point to different
prototypes, or each to several, is uncertain. It counts for less, and its target is soft in place of hard.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.special import entr, softmax
from scipy.stats import rankdata

from raydist.methods.cba.guides import cosines
from raydist.types import NOISE, Doubles, Floats, Ints, Labels

SMALLEST = 1e-3
"""Targets below this share of the largest of their row are left out."""


def uncertainty(parts: Floats, prototypes: Floats, *, temperature: float) -> Doubles:
    """Half the entropy of the mean posterior of the sub-tracklets, and half how much they disagree.

    q_is = softmax(f_is mu / t) and q_i = mean q_is; uncertainty_i = H(q_i) / (2 log G) + (H(q_i) - mean
    H(q_is)) / (2 log K). The second term is the mutual information of sub-tracklet and prototype; it
    is zero for K = 1. Nothing is smoothed.

    Args:
        parts: float32 [n, K, D], unit view-centred features of the sub-tracklets.
        prototypes: float32 [G, D], unit rows, G >= 2.
        temperature: t > 0.

    Returns:
        float64 [n] in [0, 1].

    >>> eye = np.eye(2, dtype=np.float32)
    >>> uncertainty(eye[[[0, 0], [0, 1]]], eye, temperature=0.01).round(3)
    array([0., 1.])
    """
    num_parts = parts.shape[1]
    posterior, entropy = np.zeros((len(parts), len(prototypes))), np.zeros(len(parts))
    for part in range(num_parts):
        of_part = softmax(cosines(parts[:, part], prototypes) / temperature, axis=1)
        posterior += of_part / num_parts
        entropy += entr(of_part).sum(axis=1) / num_parts
    total = entr(posterior).sum(axis=1)
    disagreement = (total - entropy) / np.log(num_parts) if num_parts > 1 else np.zeros(len(parts))
    return np.clip(0.5 * total / np.log(len(prototypes)) + 0.5 * disagreement, 0, 1)


def relative_rank(values: Doubles) -> Doubles:
    """The rank of each value among all, in (0, 1); equal values share the mean of their ranks.

    >>> relative_rank(np.array([5.0, 1.0, 1.0, 9.0]))
    array([0.625, 0.25 , 0.25 , 0.875])
    """
    ranks: Doubles = (rankdata(values) - 0.5) / len(values)
    return ranks


def graded_targets(posterior: Doubles, profile: Doubles, labels: Labels, rank: Doubles) -> Doubles:
    """Hard targets for the certain, soft ones for the uncertain.

    t_i = (1 - u_i) onehot(argmax q_i) + u_i (q_i + Pi_j) / 2 with j the cluster of i; of noise, q_i in place
    of Pi_j.

    Args:
        posterior: float64 [n, G], q.
        profile: float64 [C, G], Pi.
        labels: int64 [n], the cluster of each tracklet.
        rank: float64 [n] in [0, 1], u.

    Returns:
        float64 [n, G], rows that sum to 1.
    """
    soft = posterior.copy()
    members = labels != NOISE
    soft[members] = 0.5 * posterior[members] + 0.5 * profile[labels[members]]
    targets = rank[:, None] * soft
    targets[np.arange(len(targets)), posterior.argmax(axis=1)] += 1 - rank
    return targets


def sparse_targets(targets: Doubles, columns: Ints, num_columns: int) -> csr_array:
    """Targets over guides as sparse targets over all visible clusters, without their smallest values.

    Args:
        targets: float64 [n, G], rows that sum to 1.
        columns: int64 [G], the visible cluster of each guide.
        num_columns: C_v.

    Returns:
        float32 CSR [n, C_v], rows that sum to 1.
    """
    kept = np.where(targets >= SMALLEST * targets.max(axis=1, keepdims=True), targets, 0.0)
    row, guide = kept.nonzero()
    values = (kept / kept.sum(axis=1, keepdims=True))[row, guide].astype(np.float32)
    return csr_array((values, (row, columns[guide])), shape=(len(targets), num_columns))
