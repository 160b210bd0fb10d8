"""What infrared tracklets learn about the visible clusters: by one-to-one matching or by PGUR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from raydist.association.hungarian import hungarian_matching
from raydist.association.transport import sinkhorn
from raydist.association.view_centring import centred
from raydist.clustering.spec import Clustering
from raydist.config import Section
from raydist.losses.contrastive import cosine_logits, soft_cross_entropy
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
from raydist.methods.common.labels import ClusterArrays
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.method import MethodContext, Targets
from raydist.methods.steps import Batch
from raydist.types import NOISE, Doubles, Floats, Ints, Labels, Modality

Mode = Literal["hungarian", "coarse", "fine", "full"]


class GuidanceParams(Section):
    """Hyper-parameters of the prototype guidance.

    Attributes:
        mode: how infrared clusters are linked to visible ones. ``hungarian``: one to one by their centroids.
            ``coarse``: each to the reliable visible prototype that balanced assignment gives it. ``fine``:
            clusters that are too large are split first, and each tracklet has a target of its own. ``full``:
            with uncertainty.
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


@dataclass(frozen=True)
class Alignment:
    """What the n infrared tracklets learn about the visible clusters.

    Attributes:
        labels: int64 [n], their clusters, numbered without a gap.
        assignment: int64 [n], the visible cluster of each tracklet; NOISE for none.
        targets: float32 CSR [n, C_v], rows that sum to 1; an empty row where there is no assignment.
        weights: float64 [n], how much each tracklet counts; 0 where there is no assignment.
        host: int64 [C], the visible cluster of each infrared one; NOISE for none.
        confidence: float64 [C] in [0, 1].
        uncertainty: float64 [n] in [0, 1]; None where it is not estimated.
        metrics: for the log.
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
        """The target of every tracklet is the visible cluster of its infrared cluster; noise has none."""
        assignment = np.where(labels == NOISE, NOISE, host[labels])
        assigned = np.flatnonzero(assignment != NOISE)
        values = np.ones(len(assigned), np.float32)
        targets = csr_array((values, (assigned, assignment[assigned])), shape=(len(labels), num_visible))
        return cls(labels, assignment, targets, (assignment != NOISE) * 1.0, host, np.ones(len(host)))


@dataclass(frozen=True)
class CentredModality:
    """The n tracklets of one modality in view-centred features, which can be compared across the modalities.

    Attributes:
        means: float32 [n, D], unit view-centred features.
        parts: float32 [n, K, D], those of the sub-tracklets.
        clustering: of the features before they were centred.
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
    """Link infrared tracklets to the visible clusters.

    Args:
        features: float32 [N, K, D], unit features of the sub-tracklets of all tracklets.
        means: float32 [N, D], those of the tracklets.
        clusters: of each modality, at least two.
        context: the camera views of the tracklets.
        params: how.
    """
    if params.mode == "hungarian":
        mu, nu = (clusters.centroids(means, m) for m in Modality)
        host = hungarian_matching(mu, nu).infrared_to_visible
        return Alignment.by_cluster(clusters.of[Modality.INFRARED].labels, host, len(mu))
    view, modality = context.tracklets.view, context.tracklets.modality
    means, parts = centred(means, view, modality=modality), centred(features, view, modality=modality)
    visible, infrared = (
        CentredModality(means[rows], parts[rows], clusters.of[m]) for m, rows in clusters.rows.items()
    )
    return guided(visible, infrared, clusters.centroids(means, Modality.VISIBLE), params)


def guided(
    visible: CentredModality, infrared: CentredModality, prototypes: Floats, params: GuidanceParams
) -> Alignment:
    """Prototype-guided refinement (PGUR), or its coarse step alone.

    Args:
        visible: the visible tracklets.
        infrared: the infrared tracklets.
        prototypes: float32 [C_v, D], unit view-centred means of the visible clusters.
        params: how; not for the mode ``hungarian``.
    """
    labels_v, before = visible.clustering.labels, infrared.clustering.labels
    guides = select_guides(visible.means, visible.parts, labels_v, prototypes, share=params.rho)
    similarity = cosines(infrared.means, guides.prototypes)
    posterior = sinkhorn(
        similarity, rows=np.ones(len(similarity)), columns=guides.sizes.astype(np.float64),
        temperature=params.temperature_f, num_iterations=params.sinkhorn_iterations,
    )  # fmt: skip
    u = uncertainty(infrared.parts, guides.prototypes, temperature=params.temperature_f)
    metrics = {"guides": len(guides.clusters), "uncertainty": float(u.mean())}
    if params.mode == "coarse":
        host = guides.clusters[cluster_means(posterior, before).argmax(axis=1)]
        coarse = Alignment.by_cluster(before, host, len(prototypes))
        return replace(coarse, uncertainty=u, metrics=metrics)
    person = person_size(labels_v, len(before))
    labels, posterior = split_crowded(
        posterior, infrared.clustering, person, eta=params.eta, num_rounds=params.smoothing_rounds
    )
    rank = relative_rank(u) if params.mode == "full" else np.zeros(len(u))
    weights = np.exp(-params.kappa * rank)
    links = link(posterior, labels, weights)
    targets = graded_targets(posterior, links.profile, labels, rank)
    return Alignment(
        labels=labels,
        assignment=guides.clusters[posterior.argmax(axis=1)],
        targets=sparse_targets(targets, guides.clusters, len(prototypes)),
        weights=weights,
        host=guides.clusters[links.host],
        confidence=links.confidence,
        uncertainty=u,
        metrics=metrics | {"under_clustered": num_split(before, labels)},
    )


def aligned_targets(means: Floats, clusters: ModalityClusters, alignment: Alignment) -> Targets:
    """The targets of an epoch.

    Args:
        means: float32 [N, D], unit features of the tracklets.
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
    counts = {m: clusters.of[m].num_clusters for m in Modality}
    target = alignment.targets.tocoo()
    visible = refined.labels(Modality.VISIBLE)
    arrays = GuidedArrays(
        visible=visible,
        infrared=refined.labels(Modality.INFRARED),
        targets=csr_array((target.data, (rows[target.row], target.col)), shape=(num_rows, target.shape[1])),
        weights=column(alignment.weights.astype(np.float32), rows, num_rows, 0),
        counterpart=_rows_of_counterparts(hosts, counts[Modality.VISIBLE])[visible],
    )
    metrics = {
        "clusters_visible": counts[Modality.VISIBLE],
        "clusters_infrared": infrared.num_clusters,
        "clusters_infrared_before": counts[Modality.INFRARED],
        "imbalance_before": counts[Modality.VISIBLE] / counts[Modality.INFRARED],
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


def guided_contrast(batch: Batch, arrays: GuidedArrays, prototypes: Tensor, *, temperature: float) -> Tensor:
    """L_rv = sum w_i CE(t_i, p_i) / sum w_i over the infrared clips; the mean of all clip views.

    Args:
        batch: clips of both modalities; visible ones have no weight.
        arrays: t_i and w_i.
        prototypes: [C_v, D] unit rows.
        temperature: > 0.
    """
    rows, device = batch.rows.cpu().numpy(), prototypes.device
    t = torch.from_numpy(arrays.targets[rows].toarray()).to(device)
    w = torch.from_numpy(arrays.weights[rows]).to(device)
    logits = [cosine_logits(features, prototypes, temperature=temperature) for features in batch.features]
    return torch.stack([soft_cross_entropy(z, t, weights=w) for z in logits]).mean()


def column(values: NDArray[Any], rows: Ints, num_rows: int, fill: float) -> NDArray[Any]:
    """Values [n] of some rows in a column [N] that holds `fill` elsewhere."""
    full = np.full(num_rows, fill, values.dtype)
    full[rows] = values
    return full


def _rows_of_counterparts(hosts: Ints, num_visible: int) -> Ints:
    """int64 [C_v + 1]: the row of each visible cluster in ``counterparts``; last, that of NOISE."""
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
