"""What infrared tracklets learn about the visible clusters: by one-to-one matching or by PGUR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from raydist.association.hungarian import hungarian_matching
from raydist.association.sparse_rows import likeliest_column
from raydist.association.transport import sinkhorn
from raydist.config import Section
from raydist.methods.cba.guides import Guides, guide_similarity, select_guides
from raydist.methods.cba.links import link
from raydist.methods.cba.posterior import cluster_means
from raydist.methods.cba.splitting import num_split, person_size, split_crowded
from raydist.methods.cba.uncertainty import graded_targets, relative_rank, sparse_targets, uncertainty
from raydist.methods.common.centring import view_centred
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import MethodContext
from raydist.neighbours.jaccard.slabs import in_small_slabs
from raydist.on_resume import OnResume
from raydist.types import NOISE, Doubles, Labels, Modality

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

    on_resume: ClassVar = OnResume.KEPT

    mode: Mode = "full"
    rho: float = Field(0.9, gt=0, le=1)
    eta: float = Field(1.5, ge=1)
    temperature_f: float = Field(0.05, gt=0)
    sinkhorn_iterations: int = Field(30, ge=1)
    smoothing_rounds: int = Field(2, ge=0)
    kappa: float = Field(1.0, ge=0)

    @property
    def of_tracklets(self) -> bool:
        """Whether each tracklet has a target of its own, outliers too; otherwise clusters have."""
        return self.mode in ("fine", "full")


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
        assignment = np.where(labels == NOISE, NOISE, host[labels])  # what noise reads is thrown away
        assigned = np.flatnonzero(assignment != NOISE)
        values = np.ones(len(assigned), np.float32)
        targets = csr_array((values, (assigned, assignment[assigned])), shape=(len(labels), num_visible))
        return cls(labels, assignment, targets, (assignment != NOISE) * 1.0, host, np.ones(len(host)))


def align(
    features: EpochFeatures,
    clusters: ModalityClusters,
    context: MethodContext,
    params: GuidanceParams,
) -> Alignment:
    """Link infrared tracklets to the visible clusters.

    Args:
        features: [N, K, D], unit features of the sub-tracklets of all tracklets.
        clusters: of each modality, at least two.
        context: the camera views of the tracklets.
        params: how.
    """
    if params.mode == "hungarian":
        mu, nu = (clusters.centroids(features.means(), m) for m in Modality)
        host = hungarian_matching(mu, nu).infrared_to_visible
        return Alignment.by_cluster(clusters.of[Modality.INFRARED].labels, host, len(mu))
    means, parts = (view_centred(each, context.tracklets) for each in (features.means(), features))
    of_visible = clusters.labels(Modality.VISIBLE)
    prototypes = clusters.centroids(means, Modality.VISIBLE)
    guides = select_guides(means, parts, of_visible, prototypes, share=params.rho)
    asked = context.tracklets.modality == Modality.INFRARED
    measure = partial(uncertainty, prototypes=guides.prototypes, temperature=params.temperature_f)
    uncertainties = parts.measure(measure, asked)[asked]

    def assign() -> csr_array:
        similarity = guide_similarity(means, asked, guides)
        return sinkhorn(
            similarity, rows=np.ones(similarity.shape[0]), columns=guides.sizes.astype(np.float64),
            temperature=params.temperature_f, num_iterations=params.sinkhorn_iterations,
        )  # fmt: skip

    return _guided(assign, uncertainties, guides, clusters, params)


def _guided(
    assign: Callable[[], csr_array],
    uncertainties: Doubles,
    guides: Guides,
    clusters: ModalityClusters,
    params: GuidanceParams,
) -> Alignment:
    """Prototype-guided refinement (PGUR), or its coarse step alone.

    Args:
        assign: makes the posteriors of the coarse step, float64 CSR [n, G], of the infrared tracklets over
            the guides that they look at; called once, where they are read, so that they are gone afterwards.
        uncertainties: float64 [n].
        guides: G of the visible clusters.
        clusters: of each modality.
        params: how; not for the mode ``hungarian``.
    """
    visible, infrared = (clusters.of[m] for m in Modality)
    before, num_visible = infrared.labels, visible.num_clusters
    metrics = {"guides": len(guides.clusters), "uncertainty": float(uncertainties.mean())}
    if params.mode == "coarse":
        host = guides.clusters[likeliest_column(cluster_means(assign(), before))]
        coarse = Alignment.by_cluster(before, host, num_visible)
        return replace(coarse, uncertainty=uncertainties, metrics=metrics)
    person = person_size(visible.labels, len(before))
    labels, posterior = split_crowded(
        assign(), infrared, person, eta=params.eta, num_rounds=params.smoothing_rounds
    )
    rank = relative_rank(uncertainties) if params.mode == "full" else np.zeros(len(uncertainties))
    weights = np.exp(-params.kappa * rank)
    links = link(posterior, labels, weights)

    def targets(rows: slice) -> csr_array:
        graded = graded_targets(posterior[rows], links.profile, labels[rows], rank[rows])
        return sparse_targets(graded, guides.clusters, num_visible)

    return Alignment(
        labels=labels,
        assignment=guides.clusters[likeliest_column(posterior)],
        targets=in_small_slabs(len(labels), targets),
        weights=weights,
        host=guides.clusters[links.host],
        confidence=links.confidence,
        uncertainty=uncertainties,
        metrics=metrics | {"under_clustered": num_split(before, labels)},
    )
