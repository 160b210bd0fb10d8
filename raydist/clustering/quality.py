"""How good a clustering is: agreement with identities, and measures that need none.

Noise is scored as singletons. Scored as one big cluster it would swamp every measure, the more the larger N
is: at 10,000 rows the adjusted Rand index of a good clustering falls from about 0.9 to 0.4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from raydist.errors import DataError
from raydist.types import NOISE, Ints, Labels, Modality


def noise_as_singletons(labels: Labels) -> Labels:
    """Every noise row in a cluster of its own.

    >>> noise_as_singletons(np.array([0, -1, 0, -1])).tolist()
    [0, 1, 0, 2]
    """
    noise = labels == NOISE
    return np.where(noise, labels.max(initial=NOISE) + np.cumsum(noise), labels)


def ari(identity: Ints, labels: Labels) -> float:
    """The adjusted Rand index (Hubert and Arabie, 1985); 1 for equal partitions, about 0 for chance.

    Args:
        identity: int64 [N], known identities.
        labels: int64 [N].
    """
    _check(identity, labels)
    return float(adjusted_rand_score(identity, noise_as_singletons(labels)))


def nmi(identity: Ints, labels: Labels) -> float:
    """The normalised mutual information, by the arithmetic mean of the entropies, in [0, 1].

    Args:
        identity: int64 [N], known identities.
        labels: int64 [N].
    """
    _check(identity, labels)
    return float(normalized_mutual_info_score(identity, noise_as_singletons(labels)))


def purity(identity: Ints, labels: Labels) -> float:
    """The share of rows whose identity is the most frequent one of their cluster; noise rows are pure; 1
    without rows.

    Args:
        identity: int64 [N], known identities.
        labels: int64 [N].

    >>> purity(np.array([1, 1, 2, 2]), np.array([0, 0, 0, -1]))
    0.75
    """
    _check(identity, labels)
    if not len(labels):
        return 1.0
    pairs, counts = np.unique(np.stack((noise_as_singletons(labels), identity)), axis=1, return_counts=True)
    largest = np.zeros(pairs[0].max() + 1, np.int64)
    np.maximum.at(largest, pairs[0], counts)
    return float(largest.sum() / len(labels))


def num_clusters(labels: Labels) -> int:
    """How many clusters there are, noise apart."""
    return len(np.unique(labels[labels != NOISE]))


def noise_share(labels: Labels) -> float:
    """The share of rows in no cluster; 0 without rows."""
    return float(np.mean(labels == NOISE)) if len(labels) else 0.0


def clusters_per_modality(labels: Labels, modality: NDArray[np.int8]) -> dict[Modality, int]:
    """How many clusters hold rows of each modality; one that holds both counts for both.

    Args:
        labels: int64 [N].
        modality: int8 [N] of `Modality`.
    """
    return {m: num_clusters(labels[modality == m]) for m in Modality}


def mixed_share(labels: Labels, modality: NDArray[np.int8]) -> float:
    """The share of clusters that hold rows of both modalities; 0 without clusters.

    Args:
        labels: int64 [N].
        modality: int8 [N] of `Modality`.
    """
    total = num_clusters(labels)
    return (sum(clusters_per_modality(labels, modality).values()) - total) / total if total else 0.0


def _check(identity: Ints, labels: Labels) -> None:
    if identity.shape != labels.shape:
        raise DataError(f"{len(identity)} identities for {len(labels)} labels: one is needed for each row")
