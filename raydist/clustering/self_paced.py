"""The self-paced choice of reliable clusters: independent of their surroundings, and compact.

Ge et al., "Self-paced Contrastive Learning with Hybrid Memory for Domain Adaptive Object Re-ID", NeurIPS
2020, Section 3.3: a cluster is reliable when it stays about the same under a looser and under a tighter
radius.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raydist.clustering.quality import noise_as_singletons
from raydist.types import NOISE, Labels

INDEPENDENT_SHARE = 0.9
"""The share of clusters whose independence suffices."""


def self_paced(labels: Labels, tight: Labels, loose: Labels) -> Labels:
    """Keep the reliable clusters, and of each its most compact part; the other rows become noise.

    Noise counts as clusters of one row. For every row, with A, T and L its clusters under the radius itself,
    the tighter and the looser one: its independence is |A and L| / |A or L| (Eq. 5), its compactness |A and
    T| / |A or T| (Eq. 6).

    - A cluster is kept if its independence, that of its best row, is no worse than that of nine tenths of all
      clusters.
    - Of a kept cluster those rows are kept whose compactness is that of its best row: the rows that stay
      together under the tighter radius.

    These are the rules of the authors' code. It finds the threshold of independence in the first epoch and
    keeps it; here it is found anew each time. A row that is kept alone becomes noise.

    Args:
        labels: int64 [N], under the radius itself.
        tight: int64 [N], under a smaller radius.
        loose: int64 [N], under a larger radius.

    Returns:
        int64 [N], the kept clusters in their order, numbered anew.

    >>> self_paced(np.array([0, 0, 0, 0]), np.array([0, 0, 0, -1]), np.array([0, 0, 0, 0])).tolist()
    [0, 0, 0, -1]
    """
    labels = _without_singles(labels)
    rows = np.flatnonzero(labels != NOISE)
    if not rows.size:
        return labels
    cluster = labels[rows]
    independence = _best(_agreement(labels, loose)[rows], cluster)
    compactness = _agreement(labels, tight)[rows]
    place = min(len(independence) - 1, round(len(independence) * INDEPENDENT_SHARE))
    reliable = independence >= np.sort(independence)[::-1][place]
    chosen = reliable[cluster] & (compactness == _best(compactness, cluster)[cluster])
    kept = np.full(len(labels), NOISE)
    kept[rows[chosen]] = cluster[chosen]
    return _without_singles(kept)


def _agreement(labels: Labels, others: Labels) -> NDArray[np.float64]:
    """The intersection over union of each row's cluster in two clusterings; noise rows are alone."""
    first, second = noise_as_singletons(labels), noise_as_singletons(others)
    _, pair, together = np.unique(
        first * (second.max() + 1) + second, return_inverse=True, return_counts=True
    )
    common = together[pair]
    agreement: NDArray[np.float64] = common / (
        np.bincount(first)[first] + np.bincount(second)[second] - common
    )
    return agreement


def _best(scores: NDArray[np.float64], cluster: Labels) -> NDArray[np.float64]:
    """The largest score in each cluster."""
    best = np.zeros(cluster.max() + 1)
    np.maximum.at(best, cluster, scores)
    return best


def _without_singles(labels: Labels) -> Labels:
    """Clusters of one row as noise, the others numbered in the same order without gaps."""
    clustered = labels != NOISE
    _, member, size = np.unique(labels[clustered], return_inverse=True, return_counts=True)
    number = np.where(size > 1, np.cumsum(size > 1) - 1, NOISE)
    kept = np.full(len(labels), NOISE)
    kept[clustered] = number[member]
    return kept
