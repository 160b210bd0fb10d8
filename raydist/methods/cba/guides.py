"""The visible prototypes that are reliable enough to guide infrared tracklets (PGUR of CBA).

A visible cluster is reliable when the pieces of its tracklets agree that they belong to it, and by a clear
margin. All similarities are taken between view-centred features.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit

from raydist.methods.common.nearest_prototypes import nearest_prototypes
from raydist.methods.epoch_features import EpochFeatures
from raydist.neighbours.search.exact import exact_dot
from raydist.neighbours.search.lists import shard_topk
from raydist.neighbours.search.ranked import Ranked
from raydist.types import NOISE, Doubles, Floats, Ints, Labels

MARGIN_SCALE = 0.1
"""The margin, as a difference of cosines, at which the sigmoid reaches 0.73."""

NEAREST = 16
"""How many guides a tracklet looks at, the most similar ones."""


def nearest(features: Floats, prototypes: Floats, number: int, *, exclude: Ints | None = None) -> Ranked:
    """Numbers and similarities [n, g] of the prototypes most similar to features [n, D], best first.

    The prototype of the number in `exclude`, int64 [n], is left out of a row's.
    """
    numbers = np.arange(len(prototypes))
    return shard_topk(features, prototypes, k=number, shard_ids=numbers, exclude=exclude)


def agreement(parts: Floats, labels: Labels, *, prototypes: Floats) -> Doubles:
    """agr_i: the share of the sub-tracklets of each row whose nearest prototype is that of its cluster.

    Args:
        parts: float32 [n, K, D], unit view-centred features of the sub-tracklets.
        labels: int64 [n], the visible clusters; NOISE on other rows, which get 0.
        prototypes: float32 [C, D], unit means of the clusters.
    """
    share, members = np.zeros(len(parts)), np.flatnonzero(labels != NOISE)
    if len(members):
        numbers, _ = nearest(parts[members].reshape(-1, parts.shape[2]), prototypes, 1)
        share[members] = (numbers.reshape(len(members), -1) == labels[members, None]).mean(axis=1)
    return share


def margin(means: Floats, labels: Labels, *, prototypes: Floats) -> Doubles:
    """mar_i: how much closer each row is to the prototype of its cluster than to any other.

    Args:
        means: float32 [n, 1, D], unit view-centred features.
        labels: int64 [n], as in `agreement`.
        prototypes: float32 [C, D], C >= 2.
    """
    ahead, members = np.zeros(len(means)), np.flatnonzero(labels != NOISE)
    if not len(members):
        return ahead
    own, features = labels[members], means[members, 0]
    _, to_other = nearest(features, prototypes, 1, exclude=own)
    to_own = [exact_dot(x, prototypes[k]) for x, k in zip(features, own, strict=True)]
    ahead[members] = np.array(to_own) - to_other[:, 0]
    return ahead


def prototype_reliability(agreement: Doubles, margin: Doubles, labels: Labels) -> Doubles:
    """R_k: how far the tracklets of each cluster, and their sub-tracklets, agree that they belong to it.

    R_k = mean agr_i sigmoid(mean mar_i / 0.1) over the members i of k.

    Args:
        agreement: float64 [n].
        margin: float64 [n].
        labels: int64 [n], noise left out; every cluster has members.

    Returns:
        float64 [C] in [0, 1].
    """
    members = labels != NOISE
    own = labels[members]
    sizes = np.bincount(own)
    certain = expit(np.bincount(own, margin[members]) / sizes / MARGIN_SCALE)
    reliability: Doubles = np.bincount(own, agreement[members]) / sizes * certain
    return reliability


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
    means: EpochFeatures, parts: EpochFeatures, labels: Labels, prototypes: Floats, *, share: float
) -> Guides:
    """The most reliable visible clusters; see `prototype_reliability` and `most_reliable`.

    Args:
        means: [N, 1, D], unit view-centred features.
        parts: [N, K, D], those of the sub-tracklets.
        labels: int64 [N], the visible clusters, NOISE on other rows.
        prototypes: float32 [C, D], unit view-centred means of the clusters, C >= 2.
        share: of the clusters.
    """
    reliability = prototype_reliability(
        parts.measure(partial(agreement, prototypes=prototypes), labels),
        means.measure(partial(margin, prototypes=prototypes), labels),
        labels,
    )
    chosen = most_reliable(reliability, share)
    return Guides(chosen, prototypes[chosen], np.bincount(labels[labels != NOISE])[chosen])


def guide_similarity(means: EpochFeatures, asked: NDArray[np.bool_], guides: Guides) -> csr_array:
    """float32 CSR [n, G]: the similarities of the n rows that are asked for to their `NEAREST` guides.

    Args:
        means: [N, 1, D], unit view-centred features.
        asked: bool [N].
        guides: G of them.
    """
    return nearest_prototypes(means, asked, guides.prototypes, number=NEAREST)
