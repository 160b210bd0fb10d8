"""The stages of CBA that know clusters: contrast within each modality, and then across under prototype guidance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from raydist.losses.contrastive import cosine_logits, soft_cross_entropy
from raydist.methods.cba.alignment import GuidanceParams, align, aligned_targets
from raydist.methods.cba.batches import refinement_batches
from raydist.methods.cba.intervention import (
    Intervention,
    InterventionParams,
    TrackletSlots,
    clip_views,
    intervention_terms,
    interventions,
    with_slots,
)
from raydist.methods.common.clusters import cluster_modalities, tracklet_means
from raydist.methods.dcl.method import DualContrastParams, DualContrastStage, contrast, own_labels
from raydist.methods.method import Batch, Memories, OptimizerStep, Refresher, Targets
from raydist.types import Floats, Ints


class IntraParams(DualContrastParams):
    """Hyper-parameters of the contrast within each modality.

    Attributes:
        lambda_ciw: weight of the intervention terms.
        versions: how many versions of a clip there are: all of the warm-up, or its first and its last, (0,0) and (m,d).
    """

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


@dataclass
class IntraStage(DualContrastStage):
    """Dual contrast, with the intervention terms at a smaller weight.

    Attributes:
        context: the tracklets, the clustering and the batch.
        params: hyper-parameters.
        ciw: those of the interventions.
    """

    name: ClassVar[str] = "intra"
    params: IntraParams
    ciw: InterventionParams

    def __post_init__(self) -> None:
        super().__post_init__()
        self.slots = TrackletSlots.build(self.context.tracklets)

    @property
    def kinds(self) -> Sequence[Intervention]:
        """The interventions of the versions of a clip."""
        every = interventions(self.ciw)
        return every if self.params.clip_views == 4 else [every[0], every[-1]]

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """The dual targets, and the tracklets' slots."""
        targets = super().refresh(features, previous, refresher, epoch, rng)
        return with_slots(targets, features, self.slots, self.ciw, ignore=True)

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """The dual step on other versions; the slots move too."""
        (dual,) = super().optimizer_steps(targets, epoch)

        def update(batch: Batch, memories: Memories) -> None:
            dual.update(batch, memories)
            self.slots.move(memories["slots"], batch, momentum=self.ciw.momentum)

        return [replace(dual, clip_views=clip_views(self.kinds, self.ciw), update=update)]

    def terms(self, batch: Batch, memories: Memories, targets: Targets, epoch: int) -> dict[str, Tensor]:
        """L_v + L_r + lambda_ciw L_CIW."""
        terms = super().terms(batch, memories, targets, epoch)
        ignored = sparse(targets, "ignored")
        ciw = intervention_terms(
            batch, memories["slots"], self.kinds, slots=self.slots, ignored=ignored, params=self.ciw
        )
        return terms | {name: self.params.lambda_ciw * value for name, value in ciw.items()}


@dataclass
class RefinementStage(IntraStage):
    """Contrast within and across the modalities; infrared clusters are refined along visible prototypes once an epoch."""

    name: ClassVar[str] = "refinement"
    params: RefinementParams

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Clusters, their alignment, and the memories of both."""
        means = tracklet_means(features)
        clusters = cluster_modalities(refresher, means, self.context)
        alignment = align(features, means, clusters, self.context, self.params)
        return with_slots(
            aligned_targets(means, clusters, alignment), features, self.slots, self.ciw, ignore=True
        )

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """The step on batches with outliers, unless these are taught nothing."""
        (step,) = super().optimizer_steps(targets, epoch)
        share = 0.0 if self.params.mode in ("hungarian", "coarse") else self.params.outliers

        def sample(iterations: int, rng: np.random.Generator) -> Ints:
            return refinement_batches(own_labels(targets), self.context, iterations, rng, outliers=share)

        return [replace(step, sampler=sample)]

    def terms(self, batch: Batch, memories: Memories, targets: Targets, epoch: int) -> dict[str, Tensor]:
        """L_v + L_r + lambda_x (L_rv + L_vr) + lambda_ciw L_CIW."""
        temperature, counterpart = self.params.temperature, np.asarray(targets.arrays["counterpart"])
        across = {
            "infrared-to-visible": guided_contrast(
                batch, targets, memories["visible"], temperature=temperature
            ),
            "visible-to-infrared": contrast(
                batch, counterpart, memories["counterparts"], temperature=temperature
            ),
        }
        weighted = {name: self.params.lambda_x * value for name, value in across.items()}
        return super().terms(batch, memories, targets, epoch) | weighted


def guided_contrast(batch: Batch, targets: Targets, prototypes: Tensor, *, temperature: float) -> Tensor:
    """L_rv: the weighted cross-entropy of infrared clips against all visible prototypes, the mean of all versions.

    Args:
        batch: clips of both modalities; visible ones have no weight.
        targets: with ``targets``, CSR [N, C_v], and ``weights`` [N].
        prototypes: [C_v, D] unit rows.
        temperature: > 0.
    """
    rows, device = batch.rows.cpu().numpy(), prototypes.device
    wanted = torch.from_numpy(sparse(targets, "targets")[rows].toarray()).to(device)
    weights = torch.from_numpy(np.asarray(targets.arrays["weights"])[rows]).to(device)
    logits = [cosine_logits(clip_view, prototypes, temperature=temperature) for clip_view in batch.features]
    return torch.stack([soft_cross_entropy(z, wanted, weights=weights) for z in logits]).mean()


def sparse(targets: Targets, name: str) -> csr_array:
    """A sparse matrix of the targets."""
    value = targets.arrays[name]
    assert isinstance(value, csr_array)
    return value
