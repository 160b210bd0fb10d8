"""The clusters of each modality by itself: what every clustering method makes at a refresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.errors import ClusteringError
from raydist.memories.centroids import centroids
from raydist.methods.common.labels import ClusterArrays, joint_labels
from raydist.methods.method import MethodContext, Refresher
from raydist.plurals import counted
from raydist.types import NOISE, Floats, Ints, Labels, Modality

EPS_STEP = 0.1
RETRIES = 4
"""How often, and by how much, eps is changed while a modality has fewer than two clusters."""


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
    def arrays(self) -> ClusterArrays:
        """The labels of both modalities, each numbered from 0, for `Targets`."""
        return ClusterArrays(visible=self.labels(Modality.VISIBLE), infrared=self.labels(Modality.INFRARED))

    @property
    def joint(self) -> Labels:
        """int64 [N]: visible clusters first, infrared clusters numbered after them."""
        return joint_labels(self.arrays.own)

    def centroids(self, features: Floats, modality: Modality) -> Floats:
        """float32 [C, D]: the unit mean of each cluster."""
        labels = torch.from_numpy(self.labels(modality))
        return centroids(torch.from_numpy(features), labels, self.of[modality].num_clusters).numpy()


def cluster_modalities(
    refresher: Refresher, features: Floats, context: MethodContext, *, relax: bool = True
) -> ModalityClusters:
    """Cluster each modality by itself.

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
    retries = RETRIES if relax else 0
    clusterings = {
        m: cluster_rows(refresher, rows[m], context.clustering[m], retries=retries) for m in Modality
    }
    if relax and min(c.num_clusters for c in clusterings.values()) < 2:
        counts = ", ".join(
            f"{m.label} {counted(c.num_clusters, 'cluster')} of {counted(len(rows[m]), 'tracklet')}"
            for m, c in clusterings.items()
        )
        raise ClusteringError(
            f"the features collapsed: {counts}; "
            "train the warm-up longer, or change clustering.eps or clustering.min_samples"
        )
    return ModalityClusters(clusterings, rows)


def cluster_rows(
    refresher: Refresher, rows: Ints, spec: ClusterSpec, *, retries: int = RETRIES
) -> Clustering:
    """Cluster some rows; again with a larger eps if there is no cluster, a smaller one if there is one.

    Args:
        refresher: distances and clusters.
        rows: int64 [n].
        spec: how, at first.
        retries: how often again; the last result may still have fewer than two clusters.
    """
    clustering = refresher.cluster(rows, spec)
    if clustering.num_clusters >= 2 or retries == 0:
        return clustering
    step = EPS_STEP if clustering.num_clusters == 0 else -EPS_STEP
    eps = min(1.0, max(EPS_STEP / 2, spec.eps + step))
    return cluster_rows(refresher, rows, spec.with_values(eps=eps), retries=retries - 1)
