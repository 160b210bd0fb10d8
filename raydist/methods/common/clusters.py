"""The clusters of each modality by itself: what every clustering method makes at a refresh."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.errors import ClusteringError
from raydist.methods.common.labels import ClusterArrays, joint_labels
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import MethodContext
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

    def centroids(self, features: EpochFeatures, modality: Modality) -> Floats:
        """float32 [C, D]: the unit mean of each cluster."""
        return features.centroids(self.labels(modality), self.of[modality].num_clusters)


def cluster_modalities(
    means: EpochFeatures, context: MethodContext, *, relax: bool = True
) -> ModalityClusters:
    """Cluster each modality by itself.

    Args:
        means: [N, 1, D], of the tracklets.
        context: how each modality is clustered.
        relax: try another eps when a modality has fewer than two clusters, and refuse if that does not help.

    Raises:
        ClusteringError: a modality has fewer than two clusters whatever is tried.
    """
    rows = {m: context.rows(m) for m in Modality}
    retries = RETRIES if relax else 0
    clusterings = {m: cluster_rows(means, rows[m], context.clustering[m], retries=retries) for m in Modality}
    if relax and min(c.num_clusters for c in clusterings.values()) < 2:
        counts = ", ".join(
            f"{m.label} {counted(c.num_clusters, 'cluster')} of {counted(len(rows[m]), 'tracklet')}"
            for m, c in clusterings.items()
        )
        raise ClusteringError(
            f"the features collapsed: {counts}; "
            + collapse_advice(
                {m.label: (c.num_clusters, context.clustering[m]) for m, c in clusterings.items()}
            )
        )
    return ModalityClusters(clusterings, rows)


def collapse_advice(results: Mapping[str, tuple[int, ClusterSpec]], *, section: str = "clustering") -> str:
    """What to change where clusterings gave fewer than two clusters, by the names of the keys.

    Args:
        results: name of a clustering -> number of its clusters, and how they were made.
        section: where the keys of the clustering stand.

    >>> spec = ClusterSpec()
    >>> collapse_advice({"visible": (0, spec), "infrared": (7, spec)}).partition(", or ")[0]
    'raise clustering.eps or lower clustering.min_samples'
    >>> collapse_advice({"visible": (0, spec), "infrared": (1, spec)}).partition(", or ")[0]
    'raise clustering.eps or lower clustering.min_samples (visible), lower clustering.eps (infrared)'
    """
    changes: dict[str, list[str]] = {}
    for name, (count, spec) in results.items():
        size = spec.clusterer.size_parameter
        none = f"raise {section}.eps" + (f" or lower {section}.{size}" if size else "")
        if count < 2:
            changes.setdefault(f"lower {section}.eps" if count else none, []).append(name)
    listed = [
        change if len(changes) == 1 else f"{change} ({', '.join(names)})" for change, names in changes.items()
    ]
    return (
        f"{', '.join(listed)}, or train the stages before longer: raise method.warm_up.share, train.epochs "
        "or train.iterations"
    )


def cluster_rows(
    means: EpochFeatures, rows: Ints, spec: ClusterSpec, *, retries: int = RETRIES
) -> Clustering:
    """Cluster some rows; again with a larger eps if there is no cluster, a smaller one if there is one.

    Args:
        means: [N, 1, D], of the tracklets.
        rows: int64 [n].
        spec: how, at first.
        retries: how often again; the last result may still have fewer than two clusters.
    """
    clustering = means.cluster(rows, spec)
    if clustering.num_clusters >= 2 or retries == 0:
        return clustering
    step = EPS_STEP if clustering.num_clusters == 0 else -EPS_STEP
    eps = min(1.0, max(EPS_STEP / 2, spec.eps + step))
    return cluster_rows(means, rows, spec.with_values(eps=eps), retries=retries - 1)


def with_finer(
    clustering: Mapping[Modality, ClusterSpec], modality: Modality, share: float
) -> dict[Modality, ClusterSpec]:
    """The clustering with fewer ranked neighbours for one modality, which splits it into more clusters.

    That is k1 alone, or both of k1_intra and k1_inter where the distance has these.

    >>> finer = with_finer(dict.fromkeys(Modality, ClusterSpec(k1=30)), Modality.VISIBLE, 0.5)
    >>> [finer[m].k1 for m in Modality]
    [15, 30]
    """
    spec = clustering[modality]
    names = spec.used & {"k1", "k1_intra", "k1_inter"}
    fewer = {name: math.ceil(share * getattr(spec, name)) for name in names}
    return {**clustering, modality: spec.with_values(**fewer)}
