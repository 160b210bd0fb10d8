"""One label space for both modalities: the clusters of one; those of the other take the nearest."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F

from raydist.association.nearest import nearest_matching
from raydist.clustering.spec import ClusterSpec
from raydist.memories.rows import group_means
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.common.labels import partners
from raydist.types import Floats, Labels, Modality


def label_space(index: int) -> Modality:
    """The modality whose clusters are the classes of an epoch of the stage: infrared first, then in turn."""
    return Modality.INFRARED if index % 2 == 0 else Modality.VISIBLE


def with_finer(
    clustering: Mapping[Modality, ClusterSpec], modality: Modality, share: float
) -> dict[Modality, ClusterSpec]:
    """The clustering with fewer neighbours for one modality, which splits it into more clusters.

    >>> finer = with_finer(dict.fromkeys(Modality, ClusterSpec(k1=30)), Modality.VISIBLE, 0.5)
    >>> [finer[m].k1 for m in Modality]
    [15, 30]
    """
    spec = clustering[modality]
    fewer = {name: math.ceil(share * getattr(spec, name)) for name in ("k1", "k1_intra", "k1_inter")}
    return {**clustering, modality: spec.with_values(**fewer)}


def unified_labels(features: Floats, clusters: ModalityClusters, space: Modality) -> dict[Modality, Labels]:
    """Labels of both modalities among the clusters of one: each cluster of the other takes the nearest one's.

    Args:
        features: float32 [N, D].
        clusters: of each modality.
        space: the modality whose clusters are the classes.

    Returns:
        int64 [N] for each modality, NOISE on rows of the other.
    """
    matching = nearest_matching(*(clusters.centroids(features, m) for m in Modality))
    across = matching.visible_to_infrared if space == Modality.INFRARED else matching.infrared_to_visible
    labels = {m: clusters.labels(m) for m in Modality}
    return labels | {space.other: partners(labels[space.other], across)}


def known_centroids(features: Floats, labels: Labels, num_classes: int) -> Floats:
    """float32 [K, D]: the unit mean of each class that occurs; a row of zeros for the others."""
    classes, means = group_means(torch.from_numpy(features), torch.from_numpy(labels))
    centroids = torch.zeros(num_classes, features.shape[1])
    centroids[classes] = F.normalize(means)
    return centroids.numpy()
