"""The contrast with prototypes of clusters and near slots of tracklets, in every branch (SDCL, HIL).

The equations are in `raydist.methods.sdcl.method`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raydist.data.transforms.published import (
    FIRST_JITTERED,
    FIRST_JITTERED_ADAPTIVE_GREY,
    FIRST_JITTERED_EXCHANGE,
)
from raydist.losses.contrastive import cluster_contrast
from raydist.losses.neighbour_contrast import near_slots, neighbour_contrast
from raydist.memories.rules import update_prototypes
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.branches import Clips, branch_tables, of_branches, prototypes, slots_of_branches
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.common.labels import ClusterArrays, at
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import MethodContext, Stage, StageParams, Targets
from raydist.methods.schedule import Epoch, Moment
from raydist.methods.slots import NewSlots
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Floats, Ints, Labels, Modality

CLIP_VIEWS = (
    ClipView(augment={Modality.VISIBLE: FIRST_JITTERED, Modality.INFRARED: FIRST_JITTERED_ADAPTIVE_GREY}),
    ClipView(augment={Modality.VISIBLE: FIRST_JITTERED_EXCHANGE}, shows=Modality.VISIBLE),
)
"""Two views of visible clips, the second without their colours, and one of infrared clips."""

SHARED = "shared"
"""The memory of prototypes of both modalities."""


class BranchContrastParams(StageParams):
    """Hyper-parameters of the contrast with prototypes and near slots.

    Attributes:
        temperature: of the softmax over prototypes, and of that over slots.
        momentum: share of the old prototype at an update.
        first_momentum: the same in the first epoch of the stage, where it is another one.
        slot_momentum: share of a tracklet's old slot at an update.
        slot_input: whether slots are moved by features of unit length, or by those before they are normalised
            (as published), which are long and move a slot farther than `slot_momentum` says.
        shallow_weight: weight of the terms of slots and sub-centres in every branch behind the first;
            prototypes weigh alike in all.
        near: what share of the largest similarity a neighbour must exceed.
        neighbour_weight: weight of the terms of neighbours.
        across_weight: weight of the terms of neighbours of the other modality, where it is another one.
        to_infrared: a further factor of the term from visible clips to infrared slots.
        within_from: the share of the stage, or ``epoch N``, from which on neighbours are looked for within
            the modalities.
        across_from: the share of the stage, or ``epoch N``, from which on neighbours are looked for across
            the modalities too.
    """

    old_names: ClassVar[Mapping[str, str]] = {"keep": "momentum", "keep_slot": "slot_momentum"}

    has_slots: ClassVar[bool] = True

    share: float = Field(1.0, ge=0)
    lr_factor: float = Field(0.3, gt=0)
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.1, ge=0, le=1)
    first_momentum: float | None = Field(None, ge=0, le=1)
    slot_momentum: float = Field(0.9, ge=0, le=1)
    slot_input: Literal["unit", "raw"] = "unit"
    shallow_weight: float = Field(0.5, ge=0)
    near: float = Field(0.9, ge=0, le=1)
    neighbour_weight: float = Field(0.1, ge=0)
    across_weight: float | None = Field(None, ge=0)
    to_infrared: float = Field(0.1, ge=0)
    within_from: Moment = 0.0
    across_from: Moment = 1 / 3


@dataclass(frozen=True)
class BranchContrastStage(Stage):
    """Prototypes of the clusters and slots of the tracklets, of each modality and in every branch."""

    params: BranchContrastParams

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """Two of visible clips, one of infrared clips."""
        return CLIP_VIEWS

    @cached_property
    def weights(self) -> list[float]:
        """The weight of every branch in the terms of slots and centres, the deep one first."""
        return [1.0, *[self.params.shallow_weight] * (self.context.num_branches - 1)]

    @cached_property
    def positions(self) -> dict[Modality, Ints]:
        """int64 [N] for each modality: the position of a row among those of the modality, NOISE on others."""
        num_rows = len(self.context.tracklets)
        return {m: positions(self.context.rows(m), num_rows) for m in Modality}

    def momentum(self, epoch: Epoch) -> float:
        """The share of the old prototype at an update in an epoch."""
        first, always = self.params.first_momentum, self.params.momentum
        return always if first is None or epoch.index > 0 else first

    def neighbour_weights(self, epoch: Epoch) -> tuple[float, float]:
        """The weights of the terms of neighbours in an epoch, within the modalities and across them."""
        within, across = self.params.neighbour_weight, self.params.across_weight
        return within, within if across is None else across

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of P x K tracklets of each modality."""
        own, wants_raw = ClusterArrays.of(targets).own, self.params.slot_input == "raw"

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return self.terms(self.clips(batch), memories, own, epoch)

        def update(batch: Batch, memories: Memories) -> None:
            self.update(self.clips(batch), memories, own, epoch)

        sampler = partial(cluster_batches, own, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update, wants_raw=wants_raw)]

    def clips(self, batch: Batch) -> Clips:
        """All clips of a batch, the visible ones first."""
        return Clips.of(batch, self.context.tracklets.modality, self.context.num_branches)

    def terms(
        self, clips: Clips, memories: Memories, labels: Mapping[Modality, Labels], epoch: Epoch
    ) -> dict[str, Tensor]:
        """Prototypes and near slots; across in one direction an epoch, from visible clips first."""
        params, (weight_within, weight_across) = self.params, self.neighbour_weights(epoch)
        clusters = torch.stack([self.cluster_term(clips, memories, m, labels[m]) for m in Modality]).sum()
        terms = {"cluster": clusters}
        if epoch.is_past(params.within_from):
            within = torch.stack([self.neighbour_term(clips, memories, m, m) for m in Modality]).sum()
            terms["near_within"] = weight_within * within
        if epoch.is_past(params.across_from):
            source = Modality.VISIBLE if epoch.index % 2 == 0 else Modality.INFRARED
            weight = weight_across * (params.to_infrared if source is Modality.VISIBLE else 1.0)
            terms["near_across"] = weight * self.neighbour_term(clips, memories, source, source.other)
        return terms

    def cluster_term(self, clips: Clips, memories: Memories, modality: Modality, labels: Labels) -> Tensor:
        """L_nce: the contrast of a modality's clips with prototypes, summed over the branches."""
        known = of_branches(memories, prototypes_of(modality, memories), len(clips.parts))
        classes, temperature = at(labels, clips.rows), self.params.temperature
        pairs = zip(clips.parts, known, strict=True)
        return torch.stack(
            [cluster_contrast(x, classes, memory, temperature=temperature) for x, memory in pairs]
        ).sum()

    def neighbour_term(self, clips: Clips, memories: Memories, source: Modality, target: Modality) -> Tensor:
        """L_n: clips of the source, drawn to the target's slots near their own, over all branches."""
        position = at(self.positions[source], clips.rows)
        of_source = position != NOISE
        own, others = (slots_of_branches(memories, slots_of(m), len(clips.parts)) for m in (source, target))
        tables, columns, params = [slots.table for slots in others], others[0].columns, self.params
        mine = [slots.at(position[of_source]) for slots in own]
        near = near_slots(mine, tables, ratio=params.near, columns=columns)
        terms = [
            weight * neighbour_contrast(x, table, near, temperature=params.temperature, columns=columns)
            for weight, x, table in zip(self.weights, clips.where(of_source).parts, tables, strict=True)
        ]
        return torch.stack(terms).sum()

    def update(
        self, clips: Clips, memories: Memories, labels: Mapping[Modality, Labels], epoch: Epoch
    ) -> None:
        """Move the prototypes and the slots of a batch, by visible clips before infrared ones."""
        rule, num_branches = self.context.memory_rule, len(clips.parts)
        names = {m: prototypes_of(m, memories) for m in Modality}
        for name in sorted(set(names.values())):
            joint = np.maximum.reduce([labels[m] for m in Modality if names[m] == name])
            classes, momentum = at(joint, clips.rows), self.momentum(epoch)
            for x, memory in zip(clips.parts, of_branches(memories, name, num_branches), strict=True):
                update_prototypes(memory, x, classes, momentum=momentum, rule=rule)
        unit = self.params.slot_input == "unit"
        for modality in Modality:
            position = at(self.positions[modality], clips.rows)
            own = slots_of_branches(memories, slots_of(modality), num_branches)
            for x, slots in zip(clips.parts if unit else clips.raw, own, strict=True):
                momentum = self.params.slot_momentum
                slots.move(position, x, momentum=momentum, rule=rule, unit=unit)


def new_slots(branches: Sequence[EpochFeatures], context: MethodContext) -> dict[str, NewSlots]:
    """A slot for each tracklet in every branch [N, 1, D / b], in the order of its modality."""
    return {
        f"{slots_of(modality)}-{number}": NewSlots(rows, rows=context.rows(modality))
        for modality in Modality
        for number, rows in enumerate(branches)
    }


def own_targets(means: EpochFeatures, context: MethodContext) -> Targets:
    """The clusters of each modality by all branches together; prototypes and slots of each branch.

    Args:
        means: [N, 1, D], of the tracklets.
        context: how each modality is clustered, and the number of branches.
    """
    clusters = cluster_modalities(means, context)
    branches = branch_tables(means, context.num_branches)
    memories: dict[str, Floats] = {}
    for modality, labels in clusters.arrays.own.items():
        memories |= prototypes(modality.label, branches, labels)
    return Targets(clusters.joint, clusters.arrays.pack(), memories, slots=new_slots(branches, context))


def prototypes_of(modality: Modality, memories: Memories) -> str:
    """The name of the prototypes that a modality's clips learn from: those of both, where there are such."""
    return SHARED if f"{SHARED}-0" in memories else modality.label


def slots_of(modality: Modality) -> str:
    """The name of a modality's slots in the memories."""
    return f"slots-{modality.label}"


def positions(rows: Ints, num_rows: int) -> Ints:
    """The position of each of N rows among the given ones; NOISE for a row that is none of them.

    >>> positions(np.array([1, 3]), 4)
    array([-1,  0, -1,  1])
    """
    position = np.full(num_rows, NOISE)
    position[rows] = np.arange(len(rows))
    return position
