"""The stages of CBA: warm-up by interventions, contrast within each modality, refinement across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar, Literal

from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.methods.cba.alignment import (
    GuidanceParams,
    GuidedArrays,
    align,
    aligned_targets,
    guided_contrast,
)
from raydist.methods.cba.batches import refinement_batches
from raydist.methods.cba.intervention import (
    Intervention,
    InterventionParams,
    intervention_terms,
    intervention_views,
    interventions,
)
from raydist.methods.cba.slots import TrackletSlots, with_slots
from raydist.methods.common.batches import cluster_batches, tracklet_batches_of_both
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.common.dual_contrast import (
    DualContrastParams,
    contrast,
    dual_targets,
    dual_terms,
    update_dual,
)
from raydist.methods.common.labels import ClusterArrays
from raydist.methods.common.warm_up import IgnoreArrays
from raydist.methods.method import Epoch, Refresher, Stage, Targets
from raydist.methods.steps import Batch, Memories, Modules, OptimizerStep, Sampler
from raydist.types import Floats, tracklet_means


class IntraParams(DualContrastParams):
    """Hyper-parameters of the contrast within each modality.

    Attributes:
        lambda_ciw: weight of the intervention terms.
        clip_views: how many views of a clip there are: all of the warm-up, or its first and its last, (0,0)
            and (m,d).
    """

    old_names: ClassVar[Mapping[str, str]] = {"versions": "clip_views"}

    share: float = Field(5.0, gt=0)
    lr_factor: float = Field(1.0, gt=0)
    temperature: float = Field(0.07, gt=0)
    momentum: float = Field(0.8, ge=0, le=1)
    lambda_ciw: float = Field(0.3, ge=0)
    clip_views: Literal[2, 4] = 2


class RefinementParams(IntraParams, GuidanceParams):
    """Hyper-parameters of the contrast across.

    Attributes:
        lambda_x: weight of the terms across.
        outliers: the largest share of infrared clips that may be outliers.
    """

    share: float = Field(35.0, gt=0)
    lr_factor: float = Field(0.5, gt=0)
    lambda_x: float = Field(0.5, ge=0)
    outliers: float = Field(0.25, ge=0, lt=1)


@dataclass(frozen=True)
class InterventionWarmUp(Stage):
    """CIW alone; see `raydist.methods.cba.intervention`."""

    name: ClassVar[str] = "intervention"
    params: InterventionParams

    @cached_property
    def slots(self) -> TrackletSlots:
        """The slot of each tracklet."""
        return TrackletSlots.build(self.context.tracklets)

    def refresh(
        self, features: Floats, previous: Targets | None, refresher: Refresher, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Slots at the tracklets' means, and the ignore graph; clusters are made for the log alone."""
        labels = cluster_modalities(refresher, tracklet_means(features), self.context, relax=False).joint
        ignore = epoch.index >= self.params.ignore_from
        return with_slots(Targets(labels), features, self.slots, self.params, ignore=ignore)

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of tracklets, up to four clip views each."""
        params, slots, ignored = self.params, self.slots, IgnoreArrays.of(targets).ignored
        kinds = interventions(params)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            logits = slots.logits(batch, memories["slots"], ignored, temperature=params.temperature)
            return intervention_terms(logits, kinds, params)

        def update(batch: Batch, memories: Memories) -> None:
            slots.update(memories["slots"], batch, momentum=params.momentum)

        sampler = partial(tracklet_batches_of_both, self.context)
        return [OptimizerStep(sampler, intervention_views(kinds, params), loss, update)]


@dataclass(frozen=True)
class IntraStage(Stage):
    """Dual contrast, with the intervention terms at a smaller weight.

    Attributes:
        ciw: hyper-parameters of the interventions.
    """

    name: ClassVar[str] = "intra"
    params: IntraParams
    ciw: InterventionParams

    @cached_property
    def slots(self) -> TrackletSlots:
        """The slot of each tracklet."""
        return TrackletSlots.build(self.context.tracklets)

    @property
    def kinds(self) -> Sequence[Intervention]:
        """The interventions of the views of a clip."""
        kinds = interventions(self.ciw)
        return kinds if self.params.clip_views == 4 else [kinds[0], kinds[-1]]

    def refresh(
        self, features: Floats, previous: Targets | None, refresher: Refresher, epoch: Epoch, rng: Generator
    ) -> Targets:
        """The dual targets, and the tracklets' slots."""
        targets = dual_targets(tracklet_means(features), refresher, self.context)
        return with_slots(targets, features, self.slots, self.ciw, ignore=True)

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on clusters of each modality; centroids and slots move."""
        own = ClusterArrays.of(targets).own

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return self.terms(batch, memories, targets)

        def update(batch: Batch, memories: Memories) -> None:
            update_dual(batch, memories, own, momentum=self.params.momentum)
            self.slots.update(memories["slots"], batch, momentum=self.ciw.momentum)

        return [OptimizerStep(self.sampler(targets), intervention_views(self.kinds, self.ciw), loss, update)]

    def sampler(self, targets: Targets) -> Sampler:
        """P clusters of K tracklets of each modality."""
        return partial(cluster_batches, ClusterArrays.of(targets).own, self.context)

    def terms(self, batch: Batch, memories: Memories, targets: Targets) -> dict[str, Tensor]:
        """L_v + L_r + lambda_ciw L_CIW."""
        own, ignored = ClusterArrays.of(targets).own, IgnoreArrays.of(targets).ignored
        dual = dual_terms(batch, memories, own, temperature=self.params.temperature)
        logits = self.slots.logits(batch, memories["slots"], ignored, temperature=self.ciw.temperature)
        ciw = intervention_terms(logits, self.kinds, self.ciw)
        return dual | {name: self.params.lambda_ciw * value for name, value in ciw.items()}


@dataclass(frozen=True)
class RefinementStage(IntraStage):
    """Contrast within and across; infrared clusters are refined along visible prototypes each epoch."""

    name: ClassVar[str] = "refinement"
    params: RefinementParams

    def refresh(
        self, features: Floats, previous: Targets | None, refresher: Refresher, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters, their alignment, and the memories of both."""
        means = tracklet_means(features)
        clusters = cluster_modalities(refresher, means, self.context)
        alignment = align(features, means, clusters, self.context, self.params)
        targets = aligned_targets(means, clusters, alignment)
        return with_slots(targets, features, self.slots, self.ciw, ignore=True)

    def sampler(self, targets: Targets) -> Sampler:
        """Batches with outliers, unless the mode has no targets for these."""
        own = ClusterArrays.of(targets).own
        outliers = 0.0 if self.params.mode in ("hungarian", "coarse") else self.params.outliers
        return partial(refinement_batches, own, self.context, outliers=outliers)

    def terms(self, batch: Batch, memories: Memories, targets: Targets) -> dict[str, Tensor]:
        """L_v + L_r + lambda_ciw L_CIW + lambda_x (L_rv + L_vr)."""
        temperature, arrays = self.params.temperature, GuidedArrays.of(targets)
        across = {
            "infrared-to-visible": guided_contrast(
                batch, arrays, memories["visible"], temperature=temperature
            ),
            "visible-to-infrared": contrast(
                batch, arrays.counterpart, memories["counterparts"], temperature=temperature
            ),
        }
        weighted = {name: self.params.lambda_x * value for name, value in across.items()}
        return super().terms(batch, memories, targets) | weighted
