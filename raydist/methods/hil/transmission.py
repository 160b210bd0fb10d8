"""Labels of one modality handed to the other by reverse selection."""

from __future__ import annotations

import numpy as np

from raydist.association.reverse_selection import reverse_selection
from raydist.errors import ClusteringError
from raydist.methods.common.clusters import ModalityClusters
from raydist.types import NOISE, Floats, Labels, Modality


def transmit(
    means: Floats, clusters: ModalityClusters, source: Modality, *, threshold: float
) -> dict[Modality, Labels]:
    """Labels of the source's clusters for both modalities.

    Args:
        means: float32 [N, D], unit features of the tracklets.
        clusters: of each modality.
        source: the modality whose labels are handed over.
        threshold: see `raydist.association.reverse_selection.reverse_selection`.

    Returns:
        int64 [N] for each modality, NOISE on rows of the other.

    Raises:
        ClusteringError: no tracklet receives a label.
    """
    rows = clusters.rows[source.other]
    received = np.full(len(means), NOISE)
    received[rows] = reverse_selection(
        means[rows],
        clusters.centroids(means, source),
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
