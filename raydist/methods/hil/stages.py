"""The stages of HIL: a baseline on each modality's own clusters, and the hierarchy on clusters of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.data.transforms.published import (
    FIRST_JITTERED,
    FIRST_JITTERED_ADAPTIVE_GREY,
    FIRST_JITTERED_EXCHANGE,
)
from raydist.losses.contrastive import cluster_contrast
from raydist.losses.multi_centre import multi_centre_contrast
from raydist.losses.neighbour_contrast import near_slots, neighbour_contrast
from raydist.memories.centroids import update_centroids
from raydist.memories.instances import update_slots
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.common.labels import ClusterArrays, at
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.hil.branches import Clips, branches, of_branches
from raydist.methods.hil.prototypes import centres, positions, prototypes, slots
from raydist.methods.hil.transmission import transmit
from raydist.methods.method import Epoch, Refresher, Stage, StageParams, Targets
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Floats, Ints, Labels, Modality, tracklet_means

CLIP_VIEWS = tuple(
    ClipView(augment={Modality.VISIBLE: visible, Modality.INFRARED: FIRST_JITTERED_ADAPTIVE_GREY})
    for visible in (FIRST_JITTERED, FIRST_JITTERED_EXCHANGE)
)

SHARED = "shared"
"""The memory of prototypes of both modalities."""


class BaselineParams(StageParams):
    """Hyper-parameters of the baseline.

    Attributes:
        temperature: of the softmax over prototypes, and of that over slots.
        momentum: share of the old prototype at an update.
        slot_momentum: share of a tracklet's old slot at an update.
        shallow_weight: weight of the terms of slots and sub-centres in every branch behind the first;
            prototypes weigh alike in all.
        near: what share of the largest similarity a neighbour must exceed.
        neighbour_weight: weight of all neighbour terms.
        to_infrared: a further factor of the term from visible clips to infrared slots.
        across_from: after which share of the stage's epochs neighbours are looked for across the modalities
            too.
    """

    old_names: ClassVar[Mapping[str, str]] = {"keep": "momentum", "keep_slot": "slot_momentum"}

    share: float = Field(1.0, ge=0)
    lr_factor: float = Field(0.3, gt=0)
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.1, ge=0, le=1)
    slot_momentum: float = Field(0.9, ge=0, le=1)
    shallow_weight: float = Field(0.5, ge=0)
    near: float = Field(0.9, ge=0, le=1)
    neighbour_weight: float = Field(0.1, ge=0)
    to_infrared: float = Field(0.1, ge=0)
    across_from: float = Field(1 / 3, ge=0, le=1)


class HierarchyParams(BaselineParams):
    """Hyper-parameters of the hierarchy.

    Attributes:
        transmission: whether labels go both ways, from infrared to visible in even epochs and back in odd
            ones, or from infrared prototypes to visible tracklets only.
        threshold: how near a tracklet must come to a prototype's best match to receive its label.
        sub_centres: centres inside each cluster, beside its own; 0 for none.
        shrink: the share of the cluster's centre in its sub-centres.
        centre_weight_first: lambda at first, the weight of the terms of centres before `full_from`.
        centre_weight: lambda in the end, the weight of the terms of centres from `full_from` on.
        full_from: the share of the stage's epochs after which `centre_weight` holds.
    """

    across_from: float = Field(0.0, ge=0, le=1)
    transmission: Literal["one-way", "both"] = "both"
    threshold: float = Field(0.5, ge=0, le=1)
    sub_centres: int = Field(9, ge=0)
    shrink: float = Field(0.9, ge=0, le=1)
    centre_weight_first: float = Field(0.1, ge=0)
    centre_weight: float = Field(1.0, ge=0)
    full_from: float = Field(2 / 3, ge=0, le=1)


@dataclass(frozen=True)
class BaselineStage(Stage):
    """Prototypes of the clusters and slots of the tracklets, of each modality and in every branch."""

    name: ClassVar[str] = "baseline"
    prototypes: ClassVar[Mapping[Modality, str]] = {m: m.label for m in Modality}
    """The memory of prototypes that the clips of each modality are compared with."""

    params: BaselineParams

    @cached_property
    def weights(self) -> list[float]:
        """The weight of every branch in the terms of slots and centres, the deep one first."""
        return [1.0, *[self.params.shallow_weight] * (self.context.num_branches - 1)]

    @cached_property
    def positions(self) -> dict[Modality, Ints]:
        """int64 [N] for each modality: the position of a row among those of the modality, NOISE on others."""
        num_rows = len(self.context.tracklets)
        return {m: positions(self.context.rows(m), num_rows) for m in Modality}

    def refresh(
        self, features: Floats, previous: Targets | None, refresher: Refresher, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters of each modality by all branches together; prototypes and slots of each branch."""
        means = tracklet_means(features)
        clusters = cluster_modalities(refresher, means, self.context)
        parts = branches(torch.from_numpy(means), self.context.num_branches)
        arrays, memories = clusters.arrays, self.slots(parts)
        for modality, labels in arrays.own.items():
            memories |= prototypes(self.prototypes[modality], parts, labels)
        return Targets(clusters.joint, arrays.pack(), memories)

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of P x K tracklets of each modality, two clip views each."""
        own, num_branches = ClusterArrays.of(targets).own, self.context.num_branches

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return self.terms(Clips.of(batch, num_branches), memories, own, epoch)

        def update(batch: Batch, memories: Memories) -> None:
            self.update(Clips.of(batch, num_branches), memories, own)

        return [OptimizerStep(partial(cluster_batches, own, self.context), CLIP_VIEWS, loss, update)]

    def terms(
        self, clips: Clips, memories: Memories, labels: Mapping[Modality, Labels], epoch: Epoch
    ) -> dict[str, Tensor]:
        """Prototypes and near slots; across in one direction an epoch, from visible clips first."""
        params = self.params
        clusters = torch.stack([self.cluster_term(clips, memories, m, labels[m]) for m in Modality]).sum()
        within = torch.stack([self.neighbour_term(clips, memories, m, m) for m in Modality]).sum()
        terms = {"cluster": clusters, "near_within": params.neighbour_weight * within}
        if epoch.is_past(params.across_from):
            source = Modality.VISIBLE if epoch.index % 2 == 0 else Modality.INFRARED
            weight = params.neighbour_weight * (params.to_infrared if source is Modality.VISIBLE else 1.0)
            terms["near_across"] = weight * self.neighbour_term(clips, memories, source, source.other)
        return terms

    def cluster_term(self, clips: Clips, memories: Memories, modality: Modality, labels: Labels) -> Tensor:
        """L_nce: the contrast of a modality's clips with prototypes, summed over the branches."""
        known = of_branches(memories, self.prototypes[modality], len(clips.parts))
        classes, temperature = at(labels, clips.rows), self.params.temperature
        pairs = zip(clips.parts, known, strict=True)
        return torch.stack(
            [cluster_contrast(x, classes, memory, temperature=temperature) for x, memory in pairs]
        ).sum()

    def neighbour_term(self, clips: Clips, memories: Memories, source: Modality, target: Modality) -> Tensor:
        """L_n: clips of the source, drawn to the target's slots near their own, over all branches."""
        position = at(self.positions[source], clips.rows)
        of_source = position != NOISE
        own, others = (of_branches(memories, slots_of(m), len(clips.parts)) for m in (source, target))
        near = near_slots([memory[position[of_source]] for memory in own], others, ratio=self.params.near)
        terms = [
            weight * neighbour_contrast(x, memory, near, temperature=self.params.temperature)
            for weight, x, memory in zip(self.weights, clips.where(of_source).parts, others, strict=True)
        ]
        return torch.stack(terms).sum()

    def update(self, clips: Clips, memories: Memories, labels: Mapping[Modality, Labels]) -> None:
        """Move the prototypes and the slots of a batch."""
        num_branches = len(clips.parts)
        for name in sorted(set(self.prototypes.values())):
            joint = np.maximum.reduce([labels[m] for m in Modality if self.prototypes[m] == name])
            classes = at(joint, clips.rows)
            for x, memory in zip(clips.parts, of_branches(memories, name, num_branches), strict=True):
                update_centroids(memory, x, classes, momentum=self.params.momentum)
        for modality in Modality:
            position = at(self.positions[modality], clips.rows)
            own = of_branches(memories, slots_of(modality), num_branches)
            for x, memory in zip(clips.parts, own, strict=True):
                update_slots(memory, position, x, momentum=self.params.slot_momentum)

    def slots(self, parts: Sequence[Tensor]) -> dict[str, Floats]:
        """A slot for each tracklet, in the order of its modality."""
        memories: dict[str, Floats] = {}
        for modality in Modality:
            memories |= slots(slots_of(modality), parts, self.context.rows(modality))
        return memories


@dataclass(frozen=True)
class HierarchyStage(BaselineStage):
    """Shared prototypes and centres in place of each modality's own; see the method."""

    name: ClassVar[str] = "hierarchy"
    prototypes: ClassVar[Mapping[Modality, str]] = dict.fromkeys(Modality, SHARED)
    params: HierarchyParams

    def refresh(
        self, features: Floats, previous: Targets | None, refresher: Refresher, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters of each modality, the labels that cross over, and all memories of the shared clusters."""
        means, params = tracklet_means(features), self.params
        clusters = cluster_modalities(refresher, means, self.context)
        one_way = params.transmission == "one-way"
        source = Modality.INFRARED if one_way or epoch.index % 2 == 0 else Modality.VISIBLE
        labels = transmit(means, clusters, source, threshold=params.threshold)
        visible, infrared = (labels[m] for m in Modality)
        joint = np.maximum(visible, infrared)
        parts = branches(torch.from_numpy(means), self.context.num_branches)
        memories = self.slots(parts) | prototypes(SHARED, parts, joint)
        memories |= centres(
            parts,
            {SHARED: joint, **{m.label: labels[m] for m in Modality}},
            rng,
            num_centres=params.sub_centres,
            shrink=params.shrink,
        )
        before = clusters.labels(source.other)
        selected = (labels[source.other] != NOISE).sum() / (before != NOISE).sum()
        return Targets(
            joint,
            ClusterArrays(visible=visible, infrared=infrared).pack(),
            memories,
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


def slots_of(modality: Modality) -> str:
    """The name of a modality's slots in the memories."""
    return f"slots-{modality.label}"
