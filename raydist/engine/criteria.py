"""Criteria: how good the features and the clusters of an epoch are, without identities. Larger is better.

===========  ========  ==================================================================================
criterion    range     formula
===========  ========  ==================================================================================
silhouette   [-1, 1]   mean of (b_i - a_i) / max(a_i, b_i) in Jaccard distances, within each modality;
                       noise counts 0
stability    [-1, 1]   ARI between the clusters of the epoch before and these, over tracklets that are in a
                       cluster both times
consistency  (.., 1]   1 - (1 - r) / (1 - s): r similarity of pieces of one tracklet, s of two tracklets of
                       one camera view
balance      [0, 1]    min(C_v, C_r) / max(C_v, C_r), clusters of the two modalities
===========  ========  ==================================================================================

They are for choosing hyper-parameters where no identity is known. None of them sees whether the modalities
were associated correctly, and each prefers some encoders for no good reason: compare its order with that of
retrieval before you trust it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.association.ignore_graph import means_of_units, self_consistency
from raydist.clustering.quality import ari, clusters_per_modality, noise_as_singletons
from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.errors import DataError
from raydist.memories.exact_sums import SCALE
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.neighbours.jaccard.edges import Edges
from raydist.types import NOISE, Doubles, Floats, Ints, Labels, Modality

COLLAPSED = 1e-6
"""Tracklets of one view less far apart than this have one feature."""


def unsupervised_criteria(
    features: EpochFeatures,
    targets: Targets,
    previous: Targets | None,
    *,
    tracklets: TrainingSet,
    clustering: Mapping[Modality, ClusterSpec],
) -> dict[str, float]:
    """All criteria that apply to a refresh.

    The clusters are the method's own; where it makes none, those of the configured clustering stand in (and
    there is no stability). Silhouettes are taken on the graph of the configured clustering, so trials that
    differ in its neighbours or its radius are measured on different graphs.

    Args:
        features: [N, K, D], sub-tracklet features; `raydist.engine.local_features.ClusteredOnce` spares the
            graphs that the method asked for.
        targets: what the method made of them.
        previous: the targets of the epoch before.
        tracklets: the training set.
        clustering: how each modality is clustered.

    Returns:
        Name -> value, of `raydist.engine.criteria_names.CRITERIA`; what does not apply is left out.
    """
    renormalise = all(spec.renormalise for spec in clustering.values())
    means = features.means(renormalise=renormalise)
    has_clusters = bool((targets.labels != NOISE).any())
    offered = targets.clustered_rows if has_clusters else np.ones(len(features), bool)
    rows = {m: np.flatnonzero(offered & (tracklets.modality == m)) for m in Modality}
    clusterings = {m: means.cluster(rows[m], clustering[m]) for m in Modality}
    labels = targets.labels if has_clusters else ModalityClusters(clusterings, rows).joint
    widths = np.concatenate([silhouettes(clusterings[m].edges, labels[rows[m]]) for m in Modality])
    values = {
        "silhouette": float(widths.mean()) if len(widths) else None,
        "stability": None if previous is None else stability(targets.labels, previous.labels),
        "consistency": consistency(features, tracklets.view),
        "balance": balance(labels, tracklets.modality),
    }
    return {name: round(value, 4) for name, value in values.items() if value is not None}


def silhouettes(edges: Edges, labels: Labels) -> Doubles:
    """How much closer each row is to its own cluster than to the nearest other one (Rousseeuw, 1987), on a
    sparse graph.

    a_i is the mean distance to the other rows of the own cluster, b_i the smallest mean distance to another
    cluster, and a pair without an edge is at distance 1. Noise is scored as singletons: like every cluster of
    one, and like all rows where there is one cluster alone, it gets 0.

    Args:
        edges: small distances in [0, 1] between the n rows.
        labels: int64 [n].

    Returns:
        float64 [n], (b_i - a_i) / max(a_i, b_i) in [-1, 1].

    >>> pair = Edges(np.array([0], np.int32), np.array([1], np.int32), np.array([0.25], np.float32))
    >>> silhouettes(pair, np.array([0, 0, -1])).tolist()
    [0.75, 0.75, 0.0]
    """
    num_rows = len(labels)
    own = np.unique(noise_as_singletons(labels), return_inverse=True)[1]
    size = np.bincount(own)
    if len(size) < 2:
        return np.zeros(num_rows)
    closeness = edges.matrix(num_rows).astype(np.float64)
    closeness.data = 1 - closeness.data
    members = csr_array((np.ones(num_rows), (np.arange(num_rows), own)), shape=(num_rows, len(size)))
    towards = (closeness @ members).tocoo()  # [n, C]: sums of 1 - distance; absent pairs add nothing
    row, cluster, value = towards.row, towards.col, towards.data
    inside = cluster == own[row]
    a, b = np.ones(num_rows), np.ones(num_rows)
    a[row[inside]] -= value[inside] / np.maximum(size[cluster[inside]] - 1, 1)
    np.minimum.at(b, row[~inside], 1 - value[~inside] / size[cluster[~inside]])
    widths = (b - a) / np.maximum(np.maximum(a, b), np.finfo(np.float64).tiny)
    return np.where(size[own] > 1, widths, 0.0)


def stability(labels: Labels, previous: Labels) -> float | None:
    """The adjusted Rand index of two epochs' clusters over the rows that are in a cluster in both.

    Args:
        labels: int64 [N].
        previous: int64 [N].

    Returns:
        In [-1, 1], 1 for the same clusters, about 0 for unrelated ones; None for fewer than two such rows.

    >>> stability(np.array([0, 0, 1, 1, -1]), np.array([4, 4, 2, 2, 2]))
    1.0
    """
    both = (labels != NOISE) & (previous != NOISE)
    return ari(previous[both], labels[both]) if both.sum() > 1 else None


def consistency(features: EpochFeatures, view: Ints) -> float | None:
    """How much more alike the pieces of one tracklet are than pieces of two tracklets of one view.

    With r the mean similarity of two pieces of a tracklet, and s that of pieces of two tracklets of one view,
    it is 1 - (1 - r) / (1 - s): the share of the variance within views that tracklets explain. r alone would
    be largest where all features are equal.

    Args:
        features: [N, K, D], features of the K sub-tracklets of each tracklet, of which the directions count.
        view: int64 [N], the (modality, camera) of each tracklet.

    Returns:
        At most 1; 0 where pieces are no more alike than those of others, or all features are one. None where
        tracklets have one piece only, or no view has two tracklets.

    Raises:
        DataError: not one view for each tracklet.
    """
    num_rows, num_parts, _ = features.shape
    if view.shape != (num_rows,):
        raise DataError(f"features {features.shape} and views {view.shape}: expected [N, K, D] and [N]")
    sizes = np.bincount(view)
    pairs = int((sizes * (sizes - 1)).sum())
    if num_parts < 2 or not pairs:
        return None
    means = features.derived(means_of_units)
    sums = means.group_sums(view, len(sizes)) / SCALE
    distance = 1 - float((sums**2).sum() - means.measure(squared_lengths).sum()) / pairs
    alike = features.measure(self_consistency).mean()
    return float(1 - (1 - alike) / distance) if distance > COLLAPSED else 0.0


def squared_lengths(features: Floats) -> Doubles:
    """float64 [n], of features [n, 1, D]."""
    return np.einsum("nkd,nkd->n", features, features, dtype=np.float64)


def balance(labels: Labels, modality: NDArray[np.int8]) -> float:
    """How equal the numbers of clusters of the two modalities are: the smaller over the larger; 0 without
    clusters.

    Args:
        labels: int64 [N].
        modality: int8 [N] of `Modality`; a cluster that holds both counts for both.

    >>> balance(np.array([0, 1, 2, -1]), np.array([0, 0, 1, 1], np.int8))
    0.5
    """
    counts = clusters_per_modality(labels, modality).values()
    return min(counts) / max(max(counts), 1)
