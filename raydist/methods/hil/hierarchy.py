"""The hierarchical stage: one set of clusters for both modalities, by reverse selection, and several centres in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raydist.association.reverse_selection import reverse_selection
from raydist.errors import ClusteringError
from raydist.losses.multi_centre import multi_centre_contrast
from raydist.memories.sub_centroids import sub_centroids
from raydist.methods.common.clusters import ModalityClusters, cluster_modalities, tracklet_means
from raydist.methods.dcl.method import at
from raydist.methods.hil.baseline import BaselineParams, BaselineStage, prototypes
from raydist.methods.hil.branches import Clips, branches, named, of_branches
from raydist.methods.method import Memories, Refresher, Targets
from raydist.types import NOISE, Floats, Labels, Modality

SHARED = "shared"


class HierarchyParams(BaselineParams):
    """Hyper-parameters of the hierarchy.

    Attributes:
        transmission: whether labels go both ways, from infrared to visible in even epochs and back in odd ones, or from
            infrared prototypes to visible tracklets only.
        threshold: how near a tracklet must come to a prototype's best match to receive its label.
        sub_centres: centres inside each cluster, beside its own; 0 for none.
        shrink: the share of the cluster's centre in its sub-centres.
        centre_weight_first, centre_weight: lambda, of the terms of centres, at first and after `full_from`.
        full_from: the share of the stage's epochs after which that is.
    """

    across_from: float = Field(0.0, ge=0, le=1)
    transmission: Literal["one-way", "both"] = "both"
    threshold: float = Field(0.5, ge=0, le=1)
    sub_centres: int = Field(9, ge=0)
    shrink: float = Field(0.9, ge=0, le=1)
    centre_weight_first: float = Field(0.1, ge=0)
    centre_weight: float = Field(1.0, ge=0)
    full_from: float = Field(2 / 3, ge=0, le=1)


@dataclass
class HierarchyStage(BaselineStage):
    """Shared prototypes and centres in place of each modality's own; see the module."""

    name: ClassVar[str] = "hierarchy"
    prototypes: ClassVar[Mapping[Modality, str]] = dict.fromkeys(Modality, SHARED)
    params: HierarchyParams

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Clusters of each modality, the labels that cross over, and all memories of the shared clusters."""
        means = tracklet_means(features)
        clusters = cluster_modalities(refresher, means, self.context)
        source = (
            Modality.INFRARED if self.params.transmission == "one-way" or epoch % 2 == 0 else Modality.VISIBLE
        )
        labels = self.transmit(means, clusters, source)
        joint = np.maximum(*labels.values())
        parts = branches(torch.from_numpy(means), self.context.num_branches)
        memories = (
            self.slots(parts) | prototypes(SHARED, parts, joint) | self.centres(parts, joint, labels, rng)
        )
        before = clusters.labels(source.other)
        arrays = {m.label: labels[m] for m in Modality} | {"labels_before": clusters.joint}
        arrays["assignment"] = labels[Modality.INFRARED]
        selected = (labels[source.other] != NOISE).sum() / (before != NOISE).sum()
        return Targets(joint, arrays, memories, {"selected": float(selected)})

    def transmit(self, means: Floats, clusters: ModalityClusters, source: Modality) -> dict[Modality, Labels]:
        """Labels of the source's clusters for both modalities, each int64 [N] with NOISE on rows of the other.

        Raises:
            ClusteringError: no tracklet receives a label.
        """
        rows = self.context.rows(source.other)
        received = np.full(len(means), NOISE)
        received[rows] = reverse_selection(
            means[rows],
            clusters.centroids(means, source),
            clusters.of[source.other].labels,
            threshold=self.params.threshold,
        )
        if (received == NOISE).all():
            raise ClusteringError(
                f"no {source.other.label} tracklet is selected by any of {clusters.of[source].num_clusters} {source.label} "
                f"prototypes: lower method.hierarchy.threshold = {self.params.threshold}, or train the baseline longer"
            )
        return {source: clusters.labels(source), source.other: received}

    def centres(
        self,
        parts: Sequence[Tensor],
        joint: Labels,
        labels: Mapping[Modality, Labels],
        rng: np.random.Generator,
    ) -> dict[str, Floats]:
        """Centres of the shared clusters, and of each modality's part of those that it has a part in."""
        found: dict[str, Floats] = {}
        for name, groups in {SHARED: joint, **{m.label: compact(labels[m]) for m in Modality}}.items():
            of_parts = [
                sub_centroids(part.numpy(), groups, self.params.sub_centres, rng, shrink=self.params.shrink)
                for part in parts
            ]
            found |= named(f"centres-{name}", of_parts)
        return found

    def terms(
        self, clips: Clips, memories: Memories, labels: Mapping[Modality, Labels], epoch: int
    ) -> dict[str, Tensor]:
        """The baseline's terms on shared clusters, and those of centres, of both modalities together and across them."""
        params = self.params
        weight = (
            params.centre_weight if epoch >= params.full_from * self.epochs else params.centre_weight_first
        )
        terms = super().terms(clips, memories, labels, epoch)
        within = [self.centre_term(clips, memories, m, SHARED) for m in Modality]
        across = [self.centre_term(clips, memories, m, m.other.label) for m in Modality]
        return terms | {
            "centre_within": weight * torch.stack(within).sum(),
            "centre_across": weight * torch.stack(across).sum(),
        }

    def centre_term(self, clips: Clips, memories: Memories, modality: Modality, name: str) -> Tensor:
        """The multi-centre contrast of a modality's clips with the centres of that name."""
        mine = clips.where(at(self.places[modality], clips.rows) != NOISE)
        return multi_centre_contrast(
            mine.parts, of_branches(memories, f"centres-{name}", len(clips.parts)), self.weights
        )


def compact(labels: Labels) -> Labels:
    """The same groups, numbered without gaps in their order; NOISE stays NOISE.

    >>> compact(np.array([5, -1, 2, 5]))
    array([ 1, -1,  0,  1])
    """
    found = np.full(len(labels), NOISE)
    found[labels != NOISE] = np.unique(labels[labels != NOISE], return_inverse=True)[1]
    return found
