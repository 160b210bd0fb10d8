"""Clusters of each modality, and batches drawn from them: what every clustering method does at a refresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.data.samplers import identity_batches
from raydist.errors import ClusteringError
from raydist.memories.centroids import centroids
from raydist.methods.method import MethodContext, Refresher
from raydist.types import NOISE, Floats, Ints, Labels, Modality

EPS_STEP = 0.1
RETRIES = 4
"""How often, and by how much, eps is changed while a modality has fewer than two clusters."""


def tracklet_means(features: Floats) -> Floats:
    """The unit mean of each tracklet's sub-tracklet features.

    Args:
        features: float32 [N, K, D].

    Returns:
        float32 [N, D].

    >>> tracklet_means(np.array([[[1, 0], [0, 1]]], np.float32)).round(3)
    array([[0.707, 0.707]], dtype=float32)
    """
    mean = features.mean(axis=1, dtype=np.float64)
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    return (mean / np.maximum(length, 1e-12)).astype(np.float32)


@dataclass(frozen=True)
class ModalityClusters:
    """Clusters of each modality by itself.

    Attributes:
        of: the clustering of each modality's rows, numbered from 0.
        rows: int64, each modality's rows of the training set.
    """

    of: Mapping[Modality, Clustering]
    rows: Mapping[Modality, Ints]

    def labels(self, modality: Modality) -> Labels:
        """int64 [N]: the clusters of one modality, NOISE on rows of the other."""
        labels = np.full(sum(map(len, self.rows.values())), NOISE)
        labels[self.rows[modality]] = self.of[modality].labels
        return labels

    @property
    def joint(self) -> Labels:
        """int64 [N]: visible clusters first, infrared clusters numbered after them."""
        infrared = self.labels(Modality.INFRARED)
        shifted = np.where(infrared == NOISE, NOISE, infrared + self.of[Modality.VISIBLE].num_clusters)
        return np.maximum(self.labels(Modality.VISIBLE), shifted)

    def centroids(self, features: Floats, modality: Modality) -> Floats:
        """float32 [C, D]: the unit mean of each cluster."""
        labels = torch.from_numpy(self.labels(modality))
        return centroids(torch.from_numpy(features), labels, self.of[modality].num_clusters).numpy()


def cluster_modalities(
    refresher: Refresher, features: Floats, context: MethodContext, *, relax: bool = True
) -> ModalityClusters:
    """Cluster each modality among itself.

    Args:
        refresher: distances and clusters.
        features: float32 [N, D] unit rows.
        context: how each modality is clustered.
        relax: try another eps when a modality has fewer than two clusters, and refuse if that does not help.

    Raises:
        ClusteringError: a modality has fewer than two clusters whatever is tried.
    """
    refresher.set_features(features)
    rows = {m: context.rows(m) for m in Modality}
    found = {
        m: cluster_rows(refresher, rows[m], context.clustering[m], retries=RETRIES if relax else 0)
        for m in Modality
    }
    if relax and min(c.num_clusters for c in found.values()) < 2:
        count = ", ".join(
            f"{m.label} {c.num_clusters} clusters of {len(rows[m])} tracklets" for m, c in found.items()
        )
        raise ClusteringError(
            f"the features collapsed: {count}; train the warm-up longer, or change clustering.eps or clustering.min_samples"
        )
    return ModalityClusters(found, rows)


def cluster_rows(
    refresher: Refresher, rows: Ints, spec: ClusterSpec, *, retries: int = RETRIES
) -> Clustering:
    """Cluster some rows; again with a larger eps where there is no cluster, with a smaller one where there is one alone.

    Args:
        refresher: distances and clusters.
        rows: int64 [n].
        spec: how, at first.
        retries: how often again; what is found then may still be less than two clusters.
    """
    found = refresher.cluster(rows, spec)
    if found.num_clusters >= 2 or retries == 0:
        return found
    step = EPS_STEP if found.num_clusters == 0 else -EPS_STEP
    eps = min(1.0, max(EPS_STEP / 2, spec.eps + step))
    return cluster_rows(refresher, rows, replace(spec, eps=eps), retries=retries - 1)


def cluster_batches(
    labels: Mapping[Modality, Labels], context: MethodContext, iterations: int, rng: np.random.Generator
) -> Ints:
    """P clusters of K tracklets of each modality in every batch, from several cameras where there are.

    Returns:
        int64 [iterations, 2 P K], the visible half first.
    """
    parts = []
    for modality in Modality:
        parts.append(
            identity_batches(
                labels[modality], num_identities=context.num_identities, num_instances=context.num_instances,
                iterations=iterations, rng=rng, groups=context.tracklets.camera,
            )
        )  # fmt: skip
    return np.concatenate(parts, axis=1)
