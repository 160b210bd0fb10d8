"""The targets of an epoch of refinement, made of what infrared tracklets learn about visible clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.methods.cba.alignment import Alignment
from raydist.methods.cba.links import counterparts
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.common.labels import ClusterArrays
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.types import NOISE, Floats, Ints, Labels, Modality


@dataclass(frozen=True, kw_only=True)
class GuidedArrays(ClusterArrays):
    """The clusters of each modality, and what each row learns about those of the other.

    Attributes:
        targets: float32 CSR [N, C_v], the target t_i of every infrared row over the visible clusters; visible
            rows are empty.
        weights: float32 [N], w_i; 0 on visible rows.
        counterpart: int64 [N], the row of the memory ``counterparts`` that belongs to the cluster of a
            visible row; NOISE for none, and on infrared rows.
    """

    targets: csr_array
    weights: Floats
    counterpart: Ints


def aligned_targets(means: EpochFeatures, clusters: ModalityClusters, alignment: Alignment) -> Targets:
    """The targets of an epoch.

    Args:
        means: [N, 1, D], unit features of the tracklets.
        clusters: of each modality, before infrared ones were split.
        alignment: what the infrared tracklets learn.

    Returns:
        Targets with `GuidedArrays`, and the memories ``visible``, ``infrared`` and ``counterparts``.
    """
    infrared = replace(clusters.of[Modality.INFRARED], labels=alignment.labels)
    refined = replace(clusters, of={**clusters.of, Modality.INFRARED: infrared})
    num_rows, rows = len(means), clusters.rows[Modality.INFRARED]
    memories = {m.label: refined.centroids(means, m) for m in Modality}
    hosts, vectors = counterparts(memories["infrared"], alignment.host, alignment.confidence)
    before = {m: clusters.of[m].num_clusters for m in Modality}
    visible = refined.labels(Modality.VISIBLE)
    arrays = GuidedArrays(
        visible=visible,
        infrared=refined.labels(Modality.INFRARED),
        targets=_in_rows(alignment.targets, rows, num_rows),
        weights=column(alignment.weights.astype(np.float32), rows, num_rows, 0),
        counterpart=_rows_of_counterparts(hosts, before[Modality.VISIBLE])[visible],  # NOISE reads the last
    )
    metrics = {
        "clusters_visible": before[Modality.VISIBLE],
        "clusters_infrared": infrared.num_clusters,
        "clusters_infrared_before": before[Modality.INFRARED],
        "imbalance_before": before[Modality.VISIBLE] / before[Modality.INFRARED],
        "links": len(hosts),
        **alignment.metrics,
    }
    return Targets(
        refined.joint,
        arrays.pack(),
        memories={**memories, "counterparts": vectors},
        metrics=metrics,
        diagnosis=_diagnosis(alignment, clusters.joint, rows),
    )


def column(values: NDArray[Any], rows: Ints, num_rows: int, fill: float) -> NDArray[Any]:
    """Values [n] of some rows in a column [N] that holds `fill` elsewhere."""
    full = np.full(num_rows, fill, values.dtype)
    full[rows] = values
    return full


def _in_rows(matrix: csr_array, rows: Ints, num_rows: int) -> csr_array:
    """A matrix [n, C] of some rows, ascending, as one [N, C], the other rows of which are empty."""
    starts = np.zeros(num_rows + 1, matrix.indptr.dtype)
    np.cumsum(column(np.diff(matrix.indptr), rows, num_rows, 0), out=starts[1:])
    return csr_array((matrix.data, matrix.indices, starts), shape=(num_rows, matrix.shape[1]))


def _rows_of_counterparts(hosts: Ints, num_visible: int) -> Ints:
    """int64 [C_v + 1]: the row of each visible cluster in ``counterparts``, NOISE for none.

    The last place is more than there are clusters: the label NOISE = -1 reads it, and gets NOISE.
    """
    rows = np.full(num_visible + 1, NOISE)
    rows[hosts] = np.arange(len(hosts))
    return rows


def _diagnosis(alignment: Alignment, labels_before: Labels, rows: Ints) -> Diagnosis:
    """The decisions about the infrared rows, in columns of all N rows."""
    num_rows, u = len(labels_before), alignment.uncertainty
    return Diagnosis(
        assignment=column(alignment.assignment, rows, num_rows, NOISE),
        labels_before=labels_before,
        uncertainty=None if u is None else column(u, rows, num_rows, np.nan),
    )
