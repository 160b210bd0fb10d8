"""Labels of one modality handed to the other: by reverse selection, or by the ranking of both branches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from raydist.association.ranking import ranking_association
from raydist.association.reverse_selection import reverse_selection
from raydist.errors import ClusteringError
from raydist.methods.common.clusters import ModalityClusters
from raydist.types import NOISE, Floats, Labels, Modality


def transmit(
    table: Floats, prototypes: Floats, clusters: ModalityClusters, source: Modality, *, threshold: float
) -> dict[Modality, Labels]:
    """Labels of the source's clusters for both modalities.

    Args:
        table: float32 [N, D], unit features of the tracklets.
        prototypes: float32 [C, D], unit means of the source's clusters.
        clusters: of each modality.
        source: the modality whose labels are handed over.
        threshold: see `raydist.association.reverse_selection.reverse_selection`.

    Returns:
        int64 [N] for each modality, NOISE on rows of the other.

    Raises:
        ClusteringError: no tracklet receives a label.
    """
    rows = clusters.rows[source.other]
    received = np.full(len(table), NOISE)
    received[rows] = reverse_selection(
        table[rows],
        prototypes,
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
    parts: Sequence[Tensor], clusters: ModalityClusters, *, num_neighbours: int, num_voters: int
) -> Labels:
    """Labels of the infrared clusters for the visible tracklets.

    Args:
        parts: [N, D / b] unit rows, one tensor a branch.
        clusters: of each modality.
        num_neighbours: see `raydist.association.ranking.ranking_association`.
        num_voters: see there.

    Returns:
        int64 [N], NOISE on infrared rows and where noise wins.

    Raises:
        ClusteringError: no clustered tracklet receives a label.
    """
    tables = {m: [part.numpy()[clusters.rows[m]] for part in parts] for m in Modality}
    received = np.full(len(parts[0]), NOISE)
    received[clusters.rows[Modality.VISIBLE]] = ranking_association(
        tables[Modality.VISIBLE],
        tables[Modality.INFRARED],
        clusters.of[Modality.INFRARED].labels,
        num_neighbours=num_neighbours,
        num_voters=num_voters,
    )
    if (received[clusters.labels(Modality.VISIBLE) != NOISE] == NOISE).all():
        raise ClusteringError(
            f"no clustered visible tracklet is near one of {clusters.of[Modality.INFRARED].num_clusters} "
            f"infrared clusters: lower method.baseline.ranking = {num_neighbours}, begin later by "
            "method.baseline.shared_from, or raise clustering.eps"
        )
    return received
