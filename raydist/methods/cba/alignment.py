"""What the infrared side is taught about the visible clusters: by one-to-one matching, or by PGUR and parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from raydist.association.hungarian import hungarian_matching
from raydist.association.transport import sinkhorn
from raydist.association.view_centring import centred
from raydist.clustering.spec import Clustering
from raydist.config import Section
from raydist.methods.cba.guides import cosines, select_guides
from raydist.methods.cba.refinement import (
    cluster_means,
    counterparts,
    link,
    num_split,
    person_size,
    split_crowded,
)
from raydist.methods.cba.uncertainty import graded_targets, relative_rank, sparse_targets, uncertainty
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.method import MethodContext, Targets
from raydist.types import NOISE, Doubles, Floats, Labels, Modality

Mode = Literal["hungarian", "coarse", "fine", "full"]


class GuidanceParams(Section):
    """Hyper-parameters of the prototype guidance.

    Attributes:
        mode: how infrared clusters are linked to visible ones. ``hungarian``: one to one by their centroids. ``coarse``: each
            to the reliable visible prototype that balanced assignment gives it. ``fine``: clusters that are too large
            are split first, and each tracklet has a target of its own. ``full``: with uncertainty.
        rho: the share of visible prototypes that guide.
        eta: how many times its expected size a cluster may have before it is split.
        temperature_f: of the posteriors over the guides.
        sinkhorn_iterations: of the balanced assignment.
        smoothing_rounds: of the posteriors over infrared neighbours.
        kappa: how fast the weight of a tracklet falls with its uncertainty.
    """

    mode: Mode = "full"
    rho: float = Field(0.9, gt=0, le=1)
    eta: float = Field(1.5, ge=1)
    temperature_f: float = Field(0.05, gt=0)
    sinkhorn_iterations: int = Field(30, ge=1)
    smoothing_rounds: int = Field(2, ge=0)
    kappa: float = Field(1.0, ge=0)


@dataclass(frozen=True)
class Alignment:
    """What the infrared side is taught.

    Attributes:
        labels: int64 [n], clusters of the n infrared tracklets, numbered without a gap.
        assignment: int64 [n], the visible cluster of each tracklet; NOISE for none.
        targets: float32 CSR [n, C_v], rows that sum to 1; an empty row where there is no assignment.
        weights: float64 [n], how much each tracklet counts; 0 where there is no assignment.
        host: int64 [C], the visible cluster of each infrared one; NOISE for none.
        confidence: float64 [C] in [0, 1].
        uncertainty: float64 [n] in [0, 1]; None where nobody was asked.
        figures: for the log.
    """

    labels: Labels
    assignment: Labels
    targets: csr_array
    weights: Doubles
    host: Labels
    confidence: Doubles
    uncertainty: Doubles | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def by_cluster(cls, labels: Labels, host: Labels, num_visible: int) -> Self:
        """Every tracklet is taught the visible cluster of its infrared cluster; noise is taught nothing."""
        assignment = np.where(labels == NOISE, NOISE, host[labels])
        taught = np.flatnonzero(assignment != NOISE)
        hard = csr_array(
            (np.ones(len(taught), np.float32), (taught, assignment[taught])), shape=(len(labels), num_visible)
        )
        return cls(labels, assignment, hard, (assignment != NOISE) * 1.0, host, np.ones(len(host)))


@dataclass(frozen=True)
class Side:
    """The n tracklets of one modality as they look from the other.

    Attributes:
        means: float32 [n, D], unit view-centred features.
        parts: float32 [n, K, D], those of the sub-tracklets.
        clustering: of the features as they are.
    """

    means: Floats
    parts: Floats
    clustering: Clustering


def align(
    features: Floats,
    means: Floats,
    clusters: ModalityClusters,
    context: MethodContext,
    params: GuidanceParams,
) -> Alignment:
    """Link the infrared side to the visible clusters.

    Args:
        features: float32 [N, K, D], unit features of the sub-tracklets of all tracklets.
        means: float32 [N, D], those of the tracklets.
        clusters: of each modality, at least two.
        context: the views of the tracklets.
        params: how.
    """
    if params.mode == "hungarian":
        of = {m: clusters.centroids(means, m) for m in Modality}
        partner = hungarian_matching(of[Modality.VISIBLE], of[Modality.INFRARED]).infrared_to_visible
        return Alignment.by_cluster(clusters.of[Modality.INFRARED].labels, partner, len(of[Modality.VISIBLE]))
    view, modality = context.tracklets.view, context.tracklets.modality
    far, far_parts = centred(means, view, modality=modality), centred(features, view, modality=modality)
    sides = {m: Side(far[rows], far_parts[rows], clusters.of[m]) for m, rows in clusters.rows.items()}
    return guided(
        sides[Modality.VISIBLE], sides[Modality.INFRARED], clusters.centroids(far, Modality.VISIBLE), params
    )


def guided(visible: Side, infrared: Side, prototypes: Floats, params: GuidanceParams) -> Alignment:
    """Prototype-guided refinement (PGUR), or its coarse step alone.

    Args:
        visible: the visible side.
        infrared: the infrared side.
        prototypes: float32 [C_v, D], unit view-centred means of the visible clusters.
        params: how; not for the mode ``hungarian``.
    """
    known, before = visible.clustering.labels, infrared.clustering.labels
    found = select_guides(visible.means, visible.parts, known, prototypes, share=params.rho)
    similarity = cosines(infrared.means, found.prototypes)
    posterior = sinkhorn(
        similarity, rows=np.ones(len(similarity)), columns=found.sizes.astype(np.float64),
        temperature=params.temperature_f, num_iterations=params.sinkhorn_iterations,
    )  # fmt: skip
    doubt = uncertainty(infrared.parts, found.prototypes, temperature=params.temperature_f)
    metrics = {"guides": len(found.clusters), "uncertainty": float(doubt.mean())}
    if params.mode == "coarse":
        host = found.clusters[cluster_means(posterior, before).argmax(axis=1)]
        return replace(
            Alignment.by_cluster(before, host, len(prototypes)), uncertainty=doubt, metrics=metrics
        )
    person = person_size(known, len(before))
    labels, posterior = split_crowded(
        posterior, infrared.clustering, person, eta=params.eta, num_rounds=params.smoothing_rounds
    )
    rank = relative_rank(doubt) if params.mode == "full" else np.zeros(len(doubt))
    weights = np.exp(-params.kappa * rank)
    links = link(posterior, labels, weights)
    return Alignment(
        labels=labels,
        assignment=found.clusters[posterior.argmax(axis=1)],
        targets=sparse_targets(
            graded_targets(posterior, links.profile, labels, rank), found.clusters, len(prototypes)
        ),
        weights=weights,
        host=found.clusters[links.host],
        confidence=links.confidence,
        uncertainty=doubt,
        metrics=metrics | {"under_clustered": num_split(before, labels)},
    )


def aligned_targets(means: Floats, clusters: ModalityClusters, alignment: Alignment) -> Targets:
    """The targets of an epoch.

    Args:
        means: float32 [N, D], unit features of the tracklets.
        clusters: of each modality, before infrared ones were split.
        alignment: what the infrared side is taught.

    Returns:
        Arrays for the steps: ``visible`` and ``infrared``, own clusters; ``targets`` CSR [N, C_v] and ``weights`` [N], empty
        and 0 on visible rows; ``counterpart``, the row of the memory ``counterparts`` that is the visible row's own, NOISE
        for none. For the log: ``assignment``, ``labels_before`` and, where there is one, ``uncertainty``.
    """
    infrared = replace(clusters.of[Modality.INFRARED], labels=alignment.labels)
    refined = replace(clusters, of={**clusters.of, Modality.INFRARED: infrared})
    num_rows, rows = len(means), clusters.rows[Modality.INFRARED]
    memories = {m.label: refined.centroids(means, m) for m in Modality}
    hosts, vectors = counterparts(memories["infrared"], alignment.host, alignment.confidence)
    seat = np.full(clusters.of[Modality.VISIBLE].num_clusters + 1, NOISE)  # the last one is that of NOISE
    seat[hosts] = np.arange(len(hosts))
    target = alignment.targets.tocoo()
    arrays = {
        **{m.label: refined.labels(m) for m in Modality},
        "targets": csr_array(
            (target.data, (rows[target.row], target.col)), shape=(num_rows, target.shape[1])
        ),
        "weights": spread(alignment.weights.astype(np.float32), rows, num_rows, 0),
        "counterpart": seat[refined.labels(Modality.VISIBLE)],
        "assignment": spread(alignment.assignment, rows, num_rows, NOISE),
        "labels_before": clusters.joint,
    }
    if alignment.uncertainty is not None:
        arrays["uncertainty"] = spread(alignment.uncertainty, rows, num_rows, np.nan)
    counts = {m: clusters.of[m].num_clusters for m in Modality}
    metrics = {
        "clusters_visible": counts[Modality.VISIBLE],
        "clusters_infrared": infrared.num_clusters,
        "clusters_infrared_before": counts[Modality.INFRARED],
        "imbalance_before": counts[Modality.VISIBLE] / counts[Modality.INFRARED],
        "links": len(hosts),
        **alignment.metrics,
    }
    return Targets(refined.joint, arrays, {**memories, "counterparts": vectors}, metrics)


def spread(values: NDArray[Any], rows: NDArray[np.int64], num_rows: int, fill: float) -> NDArray[Any]:
    """Values [n] of some rows, in a column [N] that holds `fill` elsewhere."""
    column = np.full(num_rows, fill, values.dtype)
    column[rows] = values
    return column
