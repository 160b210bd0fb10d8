"""Labels of one modality handed to the other: by reverse selection, or by the ranking of both branches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from raydist.association.ranking import agreed_labels, majority
from raydist.association.reverse_selection import reverse_selection
from raydist.errors import ClusteringError
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.epoch_features import EpochFeatures
from raydist.neighbours.search.lists import shard_topk
from raydist.types import NOISE, Doubles, Floats, Ints, Labels, Modality


def transmit(
    means: EpochFeatures, clusters: ModalityClusters, source: Modality, *, threshold: float
) -> dict[Modality, Labels]:
    """Labels of the source's clusters for both modalities.

    Args:
        means: [N, 1, D], unit features of the tracklets.
        clusters: of each modality.
        source: the modality whose labels are handed over.
        threshold: see `raydist.association.reverse_selection.reverse_selection`.

    Returns:
        int64 [N] for each modality, NOISE on rows of the other.

    Raises:
        ClusteringError: no tracklet receives a label.
    """
    rows, prototypes = clusters.rows[source.other], clusters.centroids(means, source)
    asked = np.zeros(len(means), np.bool_)
    asked[rows] = True
    chosen = means.measure(partial(_nearest_prototype, prototypes=prototypes), asked)
    received = np.full(len(means), NOISE)
    received[rows] = reverse_selection(
        chosen[:, 0].astype(np.int64),
        chosen[:, 1],
        means.nearest_to(prototypes, rows, 1)[1][:, 0],
        clusters.of[source.other].labels,
        threshold=threshold,
    )
    if (received == NOISE).all():
        raise ClusteringError(
            f"no {source.other.label} tracklet is selected by any of {clusters.of[source].num_clusters} "
            f"{source.label} prototypes: lower method.hierarchy.threshold = {threshold}, "
            "or train the baseline longer"
        )
    return {source: clusters.labels(source), source.other: received}


def rank(
    branches: Sequence[EpochFeatures],
    joined: EpochFeatures,
    clusters: ModalityClusters,
    *,
    num_neighbours: int,
    num_voters: int,
) -> Labels:
    """Labels of the infrared clusters for the visible tracklets; see `raydist.association.ranking`.

    Args:
        branches: [N, 1, D / b] unit rows of each branch, deep before shallow.
        joined: [N, 1, D], all branches together, unit rows.
        clusters: of each modality.
        num_neighbours: k, infrared tracklets that a visible one looks at; all where there are fewer.
        num_voters: visible tracklets that vote for one's label, itself among them; 1 leaves labels as they
            are.

    Returns:
        int64 [N], NOISE on infrared rows and where noise wins.

    Raises:
        ClusteringError: no clustered tracklet receives a label.
    """
    visible, labels = clusters.rows[Modality.VISIBLE], clusters.labels(Modality.INFRARED)
    modality = np.full(len(labels), Modality.INFRARED.value)
    modality[visible] = Modality.VISIBLE.value
    k = min(num_neighbours, len(labels) - len(visible))
    near = [_nearest(table, modality, Modality.INFRARED, k)[visible] for table in (branches[0], branches[-1])]
    received = np.full(len(labels), NOISE)
    received[visible] = agreed_labels(*(labels[ids] for ids in near))
    others = min(num_voters, len(visible)) - 1
    if others:
        voters = _nearest(joined, modality, Modality.VISIBLE, others)[visible]
        received[visible] = majority(received[np.column_stack((visible, voters))])
    if (received[clusters.labels(Modality.VISIBLE) != NOISE] == NOISE).all():
        raise ClusteringError(
            f"no clustered visible tracklet is near one of {clusters.of[Modality.INFRARED].num_clusters} "
            f"infrared clusters: lower method.baseline.ranking = {num_neighbours}, begin later by "
            "method.baseline.shared_from, or raise clustering.eps"
        )
    return received


def _nearest_prototype(means: Floats, asked: NDArray[np.bool_], *, prototypes: Floats) -> Doubles:
    """float64 [a, 2]: number and similarity of the prototype most similar to each row that is asked for."""
    ids = np.arange(len(prototypes))
    return np.column_stack(shard_topk(means[asked, 0], prototypes, k=1, shard_ids=ids))


def _nearest(table: EpochFeatures, modality: Ints, sought: Modality, top: int) -> Ints:
    """int64 [N, k]: for the visible tracklets the nearest others of a modality; -1 for the infrared ones."""
    asked = np.where(modality == Modality.VISIBLE, sought.value, -1)
    return table.nearest_of_view(modality, top, asked=asked)[0]
