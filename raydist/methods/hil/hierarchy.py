"""The second stage of HIL: shared clusters of both modalities, with centres inside each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.losses.multi_centre import multi_centre_contrast
from raydist.methods.common.branch_contrast import (
    SHARED,
    BranchContrastParams,
    BranchContrastStage,
    new_slots,
)
from raydist.methods.common.branches import Clips, branch_tables, of_branches, prototypes
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.common.labels import ClusterArrays, at
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.hil.centres import centres
from raydist.methods.hil.transmission import transmit
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch, Moment
from raydist.methods.steps import Memories
from raydist.types import NOISE, Labels, Modality


class HierarchyParams(BranchContrastParams):
    """Hyper-parameters of the hierarchy.

    Attributes:
        transmission: whether labels go both ways, from infrared to visible in even epochs and back in odd
            ones, or from infrared prototypes to visible tracklets only (as published).
        threshold: how near a tracklet must come to a prototype's best match to receive its label.
        sub_centres: centres inside each cluster, beside its own; 0 for none.
        shrink: the share of the cluster's centre in its sub-centres.
        across_centres: the centres that clips meet across the modalities: those of the other modality's own
            tracklets, or the shared ones once more (as published).
        centre_weight_first: lambda at first, the weight of the terms of centres before `full_from`.
        centre_weight: lambda in the end, the weight of the terms of centres from `full_from` on.
        full_from: the share of the stage, or ``epoch N``, from which on `centre_weight` holds.
    """

    across_from: Moment = 0.0
    transmission: Literal["one-way", "both"] = "both"
    threshold: float = Field(0.5, ge=0, le=1)
    sub_centres: int = Field(9, ge=0)
    shrink: float = Field(0.9, ge=0, le=1)
    across_centres: Literal["own", "shared"] = "own"
    centre_weight_first: float = Field(0.1, ge=0)
    centre_weight: float = Field(1.0, ge=0)
    full_from: Moment = 2 / 3


@dataclass(frozen=True)
class HierarchyStage(BranchContrastStage):
    """Shared prototypes and centres in place of each modality's own; see the method."""

    name: ClassVar[str] = "hierarchy"
    params: HierarchyParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters of each modality, the labels that cross over, and all memories of the shared clusters."""
        means, params = features.means(), self.params
        clusters = cluster_modalities(means, self.context)
        one_way = params.transmission == "one-way"
        source = Modality.INFRARED if one_way or epoch.index % 2 == 0 else Modality.VISIBLE
        labels = transmit(means, clusters, source, threshold=params.threshold)
        visible, infrared = (labels[m] for m in Modality)
        joint = np.maximum(visible, infrared)
        branches = branch_tables(means, self.context.num_branches)
        memories = prototypes(SHARED, branches, joint)
        own = {m.label: labels[m] for m in Modality} if params.across_centres == "own" else {}
        memories |= centres(
            branches, {SHARED: joint, **own}, rng, num_centres=params.sub_centres, shrink=params.shrink
        )
        before = clusters.labels(source.other)
        selected = (labels[source.other] != NOISE).sum() / (before != NOISE).sum()
        return Targets(
            joint,
            ClusterArrays(visible=visible, infrared=infrared).pack(),
            memories,
            slots=new_slots(branches, self.context),
            metrics={"selected": float(selected)},
            diagnosis=Diagnosis(assignment=infrared, labels_before=clusters.joint),
        )

    def terms(
        self, clips: Clips, memories: Memories, labels: Mapping[Modality, Labels], epoch: Epoch
    ) -> dict[str, Tensor]:
        """The baseline's terms on shared clusters, and MCCL of both modalities together and across them."""
        params = self.params
        weight = params.centre_weight if epoch.is_past(params.full_from) else params.centre_weight_first
        terms = super().terms(clips, memories, labels, epoch)
        within = [self.centre_term(clips, memories, m, SHARED) for m in Modality]
        across = within
        if params.across_centres == "own":
            across = [self.centre_term(clips, memories, m, m.other.label) for m in Modality]
        return terms | {
            "centre_within": weight * torch.stack(within).sum(),
            "centre_across": weight * torch.stack(across).sum(),
        }

    def centre_term(self, clips: Clips, memories: Memories, modality: Modality, name: str) -> Tensor:
        """The multi-centre contrast of a modality's clips with the centres of that name."""
        own = clips.where(at(self.positions[modality], clips.rows) != NOISE)
        return multi_centre_contrast(
            own.parts, of_branches(memories, f"centres-{name}", len(clips.parts)), self.weights
        )
