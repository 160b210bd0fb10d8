"""The stages of CBA: warm-up by interventions, contrast within each modality, refinement across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.memories.centroids import update_centroids
from raydist.methods.cba.alignment import GuidanceParams, align
from raydist.methods.cba.batches import refinement_batches
from raydist.methods.cba.contrast_across import terms_across
from raydist.methods.cba.intervention import (
    Intervention,
    InterventionParams,
    intervention_terms,
    intervention_views,
    interventions,
)
from raydist.methods.cba.slots import SlotStage, with_slots
from raydist.methods.cba.targets import GuidedArrays, aligned_targets
from raydist.methods.common.batches import cluster_batches, tracklet_batches_of_both
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.common.dual_contrast import ContrastParams, dual_targets, dual_terms
from raydist.methods.common.labels import ClusterArrays, at
from raydist.methods.common.warm_up import IgnoreArrays
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep, Sampler


class IntraParams(ContrastParams):
    """Hyper-parameters of the contrast within each modality.

    Attributes:
        lambda_ciw: weight of the intervention terms; 0 leaves them out.
        clip_views: how many views of a clip there are: 4 are all of the warm-up, 2 are its first and its
            last, (0,0) and (m,d).
    """

    old_names: ClassVar[Mapping[str, str]] = {"versions": "clip_views"}
    has_slots: ClassVar[bool] = True

    share: float = Field(5.0, ge=0)
    lr_factor: float = Field(1.0, gt=0)
    temperature: float = Field(0.07, gt=0)
    momentum: float = Field(0.8, ge=0, le=1)
    lambda_ciw: float = Field(0.3, ge=0)
    clip_views: Literal[2, 4] = 2


class RefinementParams(IntraParams, GuidanceParams):
    """Hyper-parameters of the contrast across.

    Attributes:
        lambda_x: weight of the terms across the modalities; 0 leaves them out.
        outliers: the largest share of infrared clips that may be outliers.
    """

    share: float = Field(35.0, ge=0)
    lr_factor: float = Field(0.5, gt=0)
    lambda_x: float = Field(0.5, ge=0)
    outliers: float = Field(0.25, ge=0, lt=1)


@dataclass(frozen=True)
class InterventionWarmUp(SlotStage):
    """CIW alone; see `raydist.methods.cba.intervention`."""

    name: ClassVar[str] = "intervention"
    params: InterventionParams

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """The original, and up to three interventions."""
        return intervention_views(interventions(self.params), self.params)

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Slots at the tracklets' means, and the ignore graph; clusters are made for the log alone."""
        labels = cluster_modalities(features.means(), self.context, relax=False).joint
        ignore = epoch.index >= self.params.ignore_from
        return with_slots(Targets(labels), features, self.slots, self.params, ignore=ignore)

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of tracklets, up to four clip views each."""
        params, slots, ignored = self.params, self.slots, IgnoreArrays.of(targets).ignored
        kinds = interventions(params)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            own = memories.slots["tracklets"]
            logits = slots.logits(batch, own, ignored, temperature=params.temperature)
            return intervention_terms(logits, kinds, params, own.columns)

        def update(batch: Batch, memories: Memories) -> None:
            slots.update(memories.slots["tracklets"], batch, momentum=params.momentum)

        sampler = partial(tracklet_batches_of_both, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update)]


@dataclass(frozen=True)
class IntraStage(SlotStage):
    """Dual contrast, with the intervention terms at a smaller weight.

    Attributes:
        ciw: hyper-parameters of the interventions.
    """

    name: ClassVar[str] = "intra"
    params: IntraParams
    ciw: InterventionParams

    @property
    def kinds(self) -> Sequence[Intervention]:
        """The interventions of the views of a clip."""
        kinds = interventions(self.ciw)
        return kinds if self.params.clip_views == 4 else [kinds[0], kinds[-1]]

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """One for each of these."""
        return intervention_views(self.kinds, self.ciw)

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """The dual targets, and the tracklets' slots."""
        targets = dual_targets(features.means(), self.context)
        return with_slots(targets, features, self.slots, self.ciw, ignore=True)

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on clusters of each modality; centroids and slots move."""
        own = ClusterArrays.of(targets).own

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return self.terms(batch, memories, targets)

        def update(batch: Batch, memories: Memories) -> None:
            first = batch.features[0]
            for m, labels in own.items():
                of_clips = at(labels, batch.rows)
                update_centroids(memories[m.label], first, of_clips, momentum=self.params.momentum)
            self.slots.update(memories.slots["tracklets"], batch, momentum=self.ciw.momentum)

        return [OptimizerStep(self.sampler(targets), self.clip_views, loss, update)]

    def sampler(self, targets: Targets) -> Sampler:
        """P clusters of K tracklets of each modality."""
        return partial(cluster_batches, ClusterArrays.of(targets).own, self.context)

    def terms(self, batch: Batch, memories: Memories, targets: Targets) -> dict[str, Tensor]:
        """L_V + L_I + lambda_ciw L_CIW."""
        own, ignored = ClusterArrays.of(targets).own, IgnoreArrays.of(targets).ignored
        dual = dual_terms(batch, memories, own, temperature=self.params.temperature)
        slots = memories.slots["tracklets"]
        logits = self.slots.logits(batch, slots, ignored, temperature=self.ciw.temperature)
        ciw = intervention_terms(logits, self.kinds, self.ciw, slots.columns)
        return dual | _weighted(ciw, self.params.lambda_ciw)


@dataclass(frozen=True)
class RefinementStage(IntraStage):
    """Contrast within and across; infrared clusters are refined along visible prototypes each epoch."""

    name: ClassVar[str] = "refinement"
    params: RefinementParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters, their alignment, and the memories of both."""
        means = features.means()
        clusters = cluster_modalities(means, self.context)
        alignment = align(features, clusters, self.context, self.params)
        targets = aligned_targets(means, clusters, alignment)
        return with_slots(targets, features, self.slots, self.ciw, ignore=True)

    def sampler(self, targets: Targets) -> Sampler:
        """Batches with outliers, where these have targets."""
        own = ClusterArrays.of(targets).own
        outliers = self.params.outliers if self.params.of_tracklets else 0.0
        return partial(refinement_batches, own, self.context, outliers=outliers)

    def terms(self, batch: Batch, memories: Memories, targets: Targets) -> dict[str, Tensor]:
        """L_V + L_I + lambda_ciw L_CIW + lambda_x (L_IV + L_VI)."""
        arrays = GuidedArrays.of(targets)
        across = terms_across(batch, memories, arrays, temperature=self.params.temperature)
        return super().terms(batch, memories, targets) | _weighted(across, self.params.lambda_x)


def _weighted(terms: Mapping[str, Tensor], weight: float) -> dict[str, Tensor]:
    """The terms times their weight; none without weight."""
    return {name: weight * value for name, value in terms.items()} if weight > 0 else {}
