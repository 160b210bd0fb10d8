"""The visible prototypes that are reliable enough to guide infrared tracklets (PGUR of CBA).

A visible cluster is reliable when the pieces of its tracklets agree that they belong to it, and by a clear
margin. All similarities are taken between view-centred features.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from raydist.types import NOISE, Doubles, Floats, Ints, Labels

MARGIN_SCALE = 0.1
"""The margin, as a difference of cosines, at which the sigmoid reaches 0.73."""


def cosines(features: Floats, prototypes: Floats) -> Doubles:
    """Dot products of unit rows, float64 [n, C]."""
    product: Doubles = features.astype(np.float64) @ prototypes.T.astype(np.float64)
    return product


def prototype_reliability(means: Floats, parts: Floats, labels: Labels, prototypes: Floats) -> Doubles:
    """R_k: how far the tracklets of each cluster, and their sub-tracklets, agree that they belong to it.

    R_k = mean agr_i sigmoid(mean mar_i / 0.1) over the members i of k. agr_i is the share of the
    sub-tracklets of i whose nearest prototype is k; mar_i is how much closer i is to k than to any other
    prototype.

    Args:
        means: float32 [n, D], unit view-centred features of the visible tracklets.
        parts: float32 [n, K, D], those of their sub-tracklets.
        labels: int64 [n], noise left out.
        prototypes: float32 [C, D], unit means of the clusters; every cluster has members, and C >= 2.

    Returns:
        float64 [C] in [0, 1].
    """
    members = np.flatnonzero(labels != NOISE)
    own = labels[members]
    nearest = [cosines(parts[members, part], prototypes).argmax(axis=1) for part in range(parts.shape[1])]
    agreement = np.mean([of_parts == own for of_parts in nearest], axis=0)
    similarity = cosines(means[members], prototypes)
    of_own = (np.arange(len(own)), own)
    to_own = similarity[of_own]
    similarity[of_own] = -np.inf
    margin = to_own - similarity.max(axis=1)
    sizes = np.bincount(own)
    return np.bincount(own, agreement) / sizes * expit(np.bincount(own, margin) / sizes / MARGIN_SCALE)


def most_reliable(reliability: Doubles, share: float) -> Ints:
    """The clusters of the highest reliability, at least two of them.

    Args:
        reliability: float64 [C].
        share: of the clusters that are kept, in (0, 1].

    Returns:
        int64 [G], ascending; ties go to the smaller number.

    >>> most_reliable(np.array([0.5, 0.1, 0.9]), 0.6)
    array([0, 2])
    """
    count = max(2, math.ceil(share * len(reliability) - 1e-9))
    return np.sort(np.argsort(-reliability, kind="stable")[:count])


class Guides(NamedTuple):
    """Reliable visible clusters.

    Attributes:
        clusters: int64 [G], which of the visible clusters, ascending.
        prototypes: float32 [G, D], unit view-centred means.
        sizes: int64 [G], tracklets of each.
    """

    clusters: Ints
    prototypes: Floats
    sizes: Ints


def select_guides(
    means: Floats, parts: Floats, labels: Labels, prototypes: Floats, *, share: float
) -> Guides:
    """The most reliable visible clusters; see `prototype_reliability` and `most_reliable`."""
    chosen = most_reliable(prototype_reliability(means, parts, labels, prototypes), share)
    return Guides(chosen, prototypes[chosen], np.bincount(labels[labels != NOISE])[chosen])
