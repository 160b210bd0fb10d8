"""One label space for both modalities: the clusters of one; what is most similar gives those of the other."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from raydist.association.nearest import nearest_matching
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.common.labels import partners
from raydist.methods.epoch_features import EpochFeatures
from raydist.types import NOISE, Ints, Labels, Modality

PERIOD = 5
"""After so many epochs the kinds of matching come again."""


def label_space(index: int) -> Modality:
    """The modality whose clusters are the classes of an epoch of the stage: infrared first, then in turn."""
    return Modality.INFRARED if index % 2 == 0 else Modality.VISIBLE


def matches_samples(index: int, sample_match: Collection[int]) -> bool:
    """Whether labels are taken sample by sample in an epoch of the stage, and not cluster by cluster.

    Args:
        index: of the epoch.
        sample_match: numbers 0 to 4, the places in five epochs in which they are.

    >>> [matches_samples(index, (2, 3, 4)) for index in range(6)]
    [False, False, True, True, True, False]
    """
    return index % PERIOD in sample_match


def unified_labels(
    means: EpochFeatures, clusters: ModalityClusters, space: Modality
) -> dict[Modality, Labels]:
    """Labels of both modalities among the clusters of one: each cluster of the other takes the nearest one's.

    Args:
        means: [N, 1, D].
        clusters: of each modality.
        space: the modality whose clusters are the classes.

    Returns:
        int64 [N] for each modality, NOISE on rows of the other.
    """
    matching = nearest_matching(*(clusters.centroids(means, m) for m in Modality))
    across = matching.visible_to_infrared if space == Modality.INFRARED else matching.infrared_to_visible
    labels = {m: clusters.labels(m) for m in Modality}
    return labels | {space.other: partners(labels[space.other], across)}


def labels_of_nearest(clusters: ModalityClusters, nearest: Ints, space: Modality) -> dict[Modality, Labels]:
    """Labels of both modalities among the clusters of one: each *row* of the other takes its nearest row's.

    The clusters of the other modality do not count. A row whose nearest row is noise becomes noise.

    Args:
        clusters: of each modality.
        nearest: int64 [N], the most similar row of `space` for each row of the other modality.
        space: the modality whose clusters are the classes.

    Returns:
        int64 [N] for each modality, NOISE on rows of the other.
    """
    own, rows = clusters.labels(space), clusters.rows[space.other]
    taken = np.full(len(own), NOISE)
    taken[rows] = own[nearest[rows]]
    return {space: own, space.other: taken}
