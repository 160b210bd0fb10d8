"""Labels of one modality handed to the other by reverse selection."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from raydist.association.reverse_selection import reverse_selection
from raydist.errors import ClusteringError
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.epoch_features import EpochFeatures
from raydist.neighbours.search.lists import shard_topk
from raydist.types import NOISE, Doubles, Floats, Labels, Modality


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


def _nearest_prototype(means: Floats, asked: NDArray[np.bool_], *, prototypes: Floats) -> Doubles:
    """float64 [a, 2]: number and similarity of the prototype most similar to each row that is asked for."""
    ids = np.arange(len(prototypes))
    return np.column_stack(shard_topk(means[asked, 0], prototypes, k=1, shard_ids=ids))
