"""The stage before the hierarchy: clusters of each modality, and instances that are close to each other, in every branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raydist.config import Section
from raydist.data.transforms.augment import JITTERED_ADAPTIVE_GREY, JITTERED_BASIC, JITTERED_EXCHANGE
from raydist.losses.contrastive import cluster_contrast
from raydist.losses.neighbour_contrast import near_slots, neighbour_contrast
from raydist.memories.centroids import centroids, update_centroids
from raydist.memories.instances import update_slots
from raydist.methods.common.clusters import cluster_batches, cluster_modalities, tracklet_means
from raydist.methods.dcl.method import at, own_labels
from raydist.methods.hil.branches import Clips, branches, named, of_branches
from raydist.methods.method import (
    Batch,
    ClipView,
    Memories,
    MethodContext,
    Modules,
    OptimizerStep,
    Refresher,
    Stage,
    Targets,
)
from raydist.types import NOISE, Floats, Ints, Labels, Modality

VERSIONS = tuple(
    ClipView(augment={Modality.VISIBLE: visible, Modality.INFRARED: JITTERED_ADAPTIVE_GREY})
    for visible in (JITTERED_BASIC, JITTERED_EXCHANGE)
)


class BaselineParams(Section):
    """Hyper-parameters of the baseline.

    Attributes:
        share: of the epochs; 0 leaves the stage out.
        temperature: of prototypes and of instances.
        momentum: share of a prototype that an update keeps.
        slot_momentum: share of an instance's slot that an update keeps.
        shallow_weight: of instances and sub-centres in every branch behind the first; prototypes weigh alike in all.
        near: what share of the largest similarity a neighbour must exceed.
        neighbour_weight: of all instance terms.
        to_infrared: a further factor of the term from visible clips to infrared instances.
        across_from: after which share of the stage's epochs neighbours are looked for across the modalities too.
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


@dataclass
class BaselineStage(Stage):
    """Prototypes of the clusters and slots of the tracklets, of each modality and in every branch.

    Attributes:
        context: the tracklets, the clustering, the batch, and how many branches a feature has.
        params: hyper-parameters.
    """

    name: ClassVar[str] = "baseline"
    prototypes: ClassVar[Mapping[Modality, str]] = {m: m.label for m in Modality}
    """The memory of prototypes that the clips of each modality are compared with."""

    context: MethodContext
    params: BaselineParams

    def __post_init__(self) -> None:
        self.share, self.lr_factor = self.params.share, self.params.lr_factor
        self.weights = [1.0, *[self.params.shallow_weight] * (self.context.num_branches - 1)]
        self.places = {m: places(self.context.rows(m), len(self.context.tracklets)) for m in Modality}

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Clusters of each modality by all branches together; prototypes and slots of each branch."""
        means = tracklet_means(features)
        clusters = cluster_modalities(refresher, means, self.context)
        parts = branches(torch.from_numpy(means), self.context.num_branches)
        own = {m: clusters.labels(m) for m in Modality}
        memories = self.slots(parts)
        for modality, labels in own.items():
            memories |= prototypes(self.prototypes[modality], parts, labels)
        return Targets(clusters.joint, {m.label: own[m] for m in Modality}, memories)

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """One step a batch of P x K tracklets of each modality, two versions each."""
        labels, num_branches = own_labels(targets), self.context.num_branches

        def sample(iterations: int, rng: np.random.Generator) -> Ints:
            return cluster_batches(labels, self.context, iterations, rng)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return self.terms(Clips.of(batch, num_branches), memories, labels, epoch)

        def update(batch: Batch, memories: Memories) -> None:
            self.move(Clips.of(batch, num_branches), memories, labels)

        return [OptimizerStep(sample, VERSIONS, loss, update)]

    def terms(
        self, clips: Clips, memories: Memories, labels: Mapping[Modality, Labels], epoch: int
    ) -> dict[str, Tensor]:
        """Prototypes, and near instances; across the modalities in one direction an epoch, from visible clips first."""
        params = self.params
        clusters = torch.stack([self.cluster_term(clips, memories, m, labels[m]) for m in Modality]).sum()
        within = torch.stack([self.neighbour_term(clips, memories, m, m) for m in Modality]).sum()
        terms = {"cluster": clusters, "near_within": params.neighbour_weight * within}
        if epoch >= params.across_from * self.epochs:
            source = Modality.VISIBLE if epoch % 2 == 0 else Modality.INFRARED
            weight = params.neighbour_weight * (params.to_infrared if source is Modality.VISIBLE else 1.0)
            terms["near_across"] = weight * self.neighbour_term(clips, memories, source, source.other)
        return terms

    def cluster_term(self, clips: Clips, memories: Memories, modality: Modality, labels: Labels) -> Tensor:
        """The contrast of a modality's clips with prototypes, summed over the branches."""
        known = of_branches(memories, self.prototypes[modality], len(clips.parts))
        classes, temperature = at(labels, clips.rows), self.params.temperature
        pairs = zip(clips.parts, known, strict=True)
        return torch.stack(
            [cluster_contrast(x, classes, memory, temperature=temperature) for x, memory in pairs]
        ).sum()

    def neighbour_term(self, clips: Clips, memories: Memories, source: Modality, target: Modality) -> Tensor:
        """Clips of the source, each drawn to the target's slots near its own, summed over the branches by weight."""
        at_home = at(self.places[source], clips.rows)
        mine = clips.where(at_home != NOISE)
        home, away = (of_branches(memories, f"slots-{m.label}", len(clips.parts)) for m in (source, target))
        near = near_slots([slots[at_home[at_home != NOISE]] for slots in home], away, ratio=self.params.near)
        terms = [
            weight * neighbour_contrast(x, slots, near, temperature=self.params.temperature)
            for weight, x, slots in zip(self.weights, mine.parts, away, strict=True)
        ]
        return torch.stack(terms).sum()

    def move(self, clips: Clips, memories: Memories, labels: Mapping[Modality, Labels]) -> None:
        """Move the prototypes and the slots of a batch."""
        for name in sorted(set(self.prototypes.values())):
            groups = at(
                np.maximum.reduce([labels[m] for m in Modality if self.prototypes[m] == name]), clips.rows
            )
            for part, memory in zip(clips.parts, of_branches(memories, name, len(clips.parts)), strict=True):
                update_centroids(memory, part, groups, momentum=self.params.momentum)
        for modality in Modality:
            rows = at(self.places[modality], clips.rows)
            for part, slots in zip(
                clips.parts, of_branches(memories, f"slots-{modality.label}", len(clips.parts)), strict=True
            ):
                update_slots(slots, rows, part, momentum=self.params.slot_momentum)

    def slots(self, parts: Sequence[Tensor]) -> dict[str, Floats]:
        """A slot for each tracklet, in the order of its modality."""
        found: dict[str, Floats] = {}
        for modality in Modality:
            rows = self.context.rows(modality)
            found |= named(f"slots-{modality.label}", [part[rows].numpy() for part in parts])
        return found


def prototypes(name: str, parts: Sequence[Tensor], labels: Labels) -> dict[str, Floats]:
    """The unit mean of each cluster, in every branch."""
    groups, num_clusters = torch.from_numpy(labels), int(labels.max(initial=NOISE)) + 1
    return named(name, [centroids(part, groups, num_clusters).numpy() for part in parts])


def places(rows: Ints, num_rows: int) -> Ints:
    """Where each of N rows stands among the given ones; NOISE where it is none of them.

    >>> places(np.array([1, 3]), 4)
    array([-1,  0, -1,  1])
    """
    found = np.full(num_rows, NOISE)
    found[rows] = np.arange(len(rows))
    return found
