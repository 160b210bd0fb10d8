"""The stage of HiTPro: prototypes, the links between them, and the contrast at up to three levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field, model_validator
from scipy.sparse import csr_array
from torch import Tensor

from raydist.association.ignore_graph import self_consistency
from raydist.errors import ConfigError
from raydist.methods.common.batches import tracklet_batches_of_both
from raydist.methods.common.centring import view_modality
from raydist.methods.common.clip_views import TONES
from raydist.methods.common.warm_up import (
    IgnoreArrays,
    WarmUpParams,
    likely_pieces,
    negatives_of_own_view,
    tracklet_contrast,
)
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.hitpro.alignment import Mining, Relations, align, mean_thresholds
from raydist.methods.hitpro.contrast import Level, frames_apart, prototype_contrast
from raydist.methods.hitpro.prototyping import tracklet_prototypes
from raydist.methods.method import Stage, Targets
from raydist.methods.schedule import Epoch
from raydist.methods.slots import NewSlots, Slots
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Doubles


class HierarchicalParams(WarmUpParams):
    """Hyper-parameters of the three levels; epochs are counted from 0 at the start of the stage.

    Attributes:
        share: of the epochs, relative to the warm-up; 0 leaves the three levels out.
        temperature: of the softmax over the prototypes.
        momentum: share of the old prototype at an update.
        within_from: E1, the epoch in which the second level begins, across the cameras of one modality.
        across_from: E2, the epoch in which the third level begins, across the modalities; not before E1.
        ramp: epochs in which the second and the third level rise to their weight.
        weight_within: weight of the second level when it has risen.
        weight_across: weight of the third level when it has risen.
        weight_frame: weight of the term of single frames; 0 leaves it out.
        num_hard: with how many negatives a clip is compared at these two levels, the most similar ones.
        kappa_first: strictness of the thresholds at E1.
        kappa_last: strictness of the thresholds `kappa_epochs` after E1, and from then on.
        kappa_epochs: epochs in which the strictness goes from `kappa_first` to `kappa_last`.
        soft: weigh positives; otherwise each that was mined directly counts 1.
        votes: links between N(i) and N(j) that a link across the modalities needs, itself included.
        levels: how many of the three levels are trained.
        tones: whether the second view of a clip is in other tones.
    """

    share: float = Field(12.0, ge=0)
    lr_factor: float = Field(1.0, gt=0)
    within_from: int = Field(5, ge=0)
    across_from: int = Field(15, ge=0)
    ramp: int = Field(3, ge=1)
    weight_within: float = Field(0.5, ge=0)
    weight_across: float = Field(0.5, ge=0)
    weight_frame: float = Field(0.2, ge=0)
    num_hard: int = Field(50, ge=0)
    kappa_first: float = 0.5
    kappa_last: float = -0.5
    kappa_epochs: int = Field(35, ge=1)
    soft: bool = True
    votes: int = Field(1, ge=1)
    levels: Literal[1, 2, 3] = 3
    tones: bool = True

    @model_validator(mode="after")
    def _modalities_come_second(self) -> HierarchicalParams:
        if self.across_from < self.within_from:
            raise ConfigError(
                f"across_from = {self.across_from} is before within_from = {self.within_from}: "
                "positives across the modalities are found by those within one; "
                "choose across_from >= within_from"
            )
        return self

    def reaches(self, level: int, epoch: int) -> bool:
        """Whether the second or third level has begun."""
        return self.levels >= level and epoch >= {2: self.within_from, 3: self.across_from}[level]

    def alpha(self, level: int, epoch: int) -> float:
        """The weight of the second or third level; it rises in equal steps.

        >>> [round(HierarchicalParams(within_from=1).alpha(2, epoch), 2) for epoch in range(5)]
        [0.0, 0.17, 0.33, 0.5, 0.5]
        """
        if not self.reaches(level, epoch):
            return 0.0
        start, weight = {
            2: (self.within_from, self.weight_within),
            3: (self.across_from, self.weight_across),
        }[level]
        return weight * min(1.0, (epoch - start + 1) / self.ramp)

    def kappa(self, epoch: int) -> float:
        """How strict the thresholds are: from `kappa_first` at E1 in a straight line to `kappa_last`."""
        done = min(1.0, max(0, epoch - self.within_from) / self.kappa_epochs)
        return self.kappa_first + done * (self.kappa_last - self.kappa_first)


@dataclass(frozen=True, kw_only=True)
class HierarchicalArrays(IgnoreArrays):
    """The ignore graph and the relations of the prototypes.

    Attributes:
        within: CSR [N, N], W1, weights of positives in other cameras of the same modality.
        across: CSR [N, N], W2, weights of positives in the other modality.
        thresholds: float64 [U, U], t_ab of every two camera views.
    """

    within: csr_array
    across: csr_array
    thresholds: Doubles


@dataclass(frozen=True)
class HierarchicalStage(Stage):
    """See the method.

    Attributes:
        ignore: whether there is an ignore graph at all.
    """

    name: ClassVar[str] = "hierarchical"
    params: HierarchicalParams
    ignore: bool = True

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Prototypes, the ignore graph, and the positives of the levels that have begun; no clusters."""
        prototypes = features.derived(tracklet_prototypes)
        wanted = self.ignore and epoch.index >= self.params.ignore_from
        ignored = likely_pieces(features, self.context.tracklets.view, self.params, wanted=wanted)
        relations = self._relations(prototypes, previous, epoch.index).spread(ignored)
        arrays = HierarchicalArrays(
            ignored=ignored,
            within=relations.within,
            across=relations.across,
            thresholds=relations.thresholds,
        )
        metrics = {
            "consistency": float(features.measure(self_consistency).mean()),
            "ignored_pairs": ignored.nnz / 2,
        }
        return Targets(
            np.full(len(features), NOISE),
            arrays.pack(),
            slots={"prototypes": NewSlots(prototypes)},
            metrics=metrics | self._metrics(relations, epoch.index),
            diagnosis=Diagnosis(links_within=relations.within, links_across=relations.across),
        )

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of tracklets, two clip views each."""
        arrays, params = HierarchicalArrays.of(targets), self.params
        views = torch.tensor(self.context.tracklets.view)
        levels = self._levels(arrays, views, epoch.index)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return self._terms(batch, memories.slots["prototypes"], arrays.ignored, views, levels)

        def update(batch: Batch, memories: Memories) -> None:
            memories.slots["prototypes"].move(batch.rows, batch.features[0], momentum=params.momentum)

        sampler = partial(tracklet_batches_of_both, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update, wants_frames=params.weight_frame > 0)]

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """Two of different halves of the tracklet."""
        second = ClipView(augment=TONES, sub_tracklet=1) if self.params.tones else ClipView(sub_tracklet=1)
        return ClipView(sub_tracklet=0), second

    def _relations(self, prototypes: EpochFeatures, previous: Targets | None, epoch: int) -> Relations:
        """The positives of this epoch, with thresholds that go on from those of the epoch before."""
        tracklets, params = self.context.tracklets, self.params
        none = Relations.none(len(tracklets), len(view_modality(tracklets)))
        if not params.reaches(2, epoch):
            return none
        thresholds = none.thresholds
        if previous is not None and "thresholds" in previous.arrays:  # not after the warm-up
            thresholds = HierarchicalArrays.of(previous).thresholds
        mining = Mining(params.kappa(epoch), soft=params.soft, votes=params.votes)
        return align(prototypes, tracklets, thresholds, mining, across=params.reaches(3, epoch))

    def _metrics(self, relations: Relations, epoch: int) -> dict[str, float]:
        params = self.params
        return {
            "links_within": relations.within.nnz,
            "links_across": relations.across.nnz,
            "kappa": params.kappa(epoch),
            "alpha_within": params.alpha(2, epoch),
            "alpha_across": params.alpha(3, epoch),
        } | mean_thresholds(relations.thresholds, self.context.tracklets)

    def _levels(self, arrays: HierarchicalArrays, view: Tensor, epoch: int) -> dict[str, tuple[float, Level]]:
        """The second and the third level with their weights, those that have begun."""
        modality = torch.from_numpy(view_modality(self.context.tracklets))
        across = modality[:, None] != modality
        within = ~across & ~torch.eye(len(modality), dtype=torch.bool)
        levels = {}
        for number, name, weights, opposed in (
            (2, "within", arrays.within, within),
            (3, "across", arrays.across, across),
        ):
            if (alpha := self.params.alpha(number, epoch)) > 0:
                levels[name] = alpha, Level.of(weights, arrays.ignored, view=view, opposed=opposed)
        return levels

    def _terms(
        self,
        batch: Batch,
        prototypes: Slots,
        ignored: csr_array,
        views: Tensor,
        levels: Mapping[str, tuple[float, Level]],
    ) -> dict[str, Tensor]:
        """The weighted terms of the loss, each the mean over the clip views."""
        params, columns, temperature = self.params, prototypes.columns, self.params.temperature
        own_view = negatives_of_own_view(batch.rows, views, ignored, columns)

        def of_tracklets(features: Sequence[Tensor]) -> Tensor:
            return tracklet_contrast(features, batch, prototypes, own_view, temperature)

        terms = {"camera": of_tracklets(list(batch.features))}
        for name, (alpha, level) in levels.items():
            weights, negatives = level.at(batch.rows, columns)
            of_views = [
                prototype_contrast(
                    f, prototypes.table, weights, negatives,
                    temperature=temperature, num_hard=params.num_hard, columns=columns,
                )
                for f in batch.features
            ]  # fmt: skip
            terms[name] = alpha * torch.stack(of_views).mean()
        if batch.frames is not None:
            chosen = frames_apart(batch.rows, batch.frames.shape[2])
            frames = [f[:, t] for f in batch.frames for t in chosen]
            terms["frame"] = params.weight_frame * of_tracklets(frames)
        return terms
