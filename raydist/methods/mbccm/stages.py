"""The stages of MBCCM: each modality with its own clusters, then with those of both, linked many to many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
import torch.nn.functional as F
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.association.bilateral import closer_than_partners, optimal_partners
from raydist.losses.contrastive import cosine_logits
from raydist.losses.divergence import symmetric_divergence
from raydist.memories.rules import MemoryRule, update_prototypes
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.dual_contrast import (
    DualContrastParams,
    DualContrastStage,
    dual_targets,
    dual_terms,
)
from raydist.methods.common.labels import ClusterArrays, at, partners
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.mbccm.pairs import LinkedArrays, PairedClips, linked_batches
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch, Memories, Modules, OptimizerStep
from raydist.types import Labels, Modality


class CrossParams(DualContrastParams):
    """Hyper-parameters of the contrast with linked clusters.

    Attributes:
        alpha: weight of the modality-agnostic terms.
        beta: weight of the consistency.
        raw_across: whether the consistency takes features as the encoder gives them, not of unit length,
            where it compares clips with the prototypes of the other modality, as the published code does.
    """

    alpha: float = Field(0.9, ge=0)
    beta: float = Field(0.5, ge=0)
    raw_across: bool = True


AGNOSTIC = {m: f"{m.label}_agnostic" for m in Modality}
"""The memory of the clusters of a modality that clips of both modalities are compared with and move."""


@dataclass(frozen=True)
class IntraStage(DualContrastStage):
    """The modality-specific contrast alone."""

    name: ClassVar[str] = "intra"
    params: DualContrastParams

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of P x K tracklets of each modality."""
        own, params, rule = ClusterArrays.of(targets).own, self.params, self.context.memory_rule

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return specific_terms(batch, memories, own, temperature=params.temperature)

        def update(batch: Batch, memories: Memories) -> None:
            update_specific(batch, memories, own, momentum=params.momentum, rule=rule)

        sampler = partial(cluster_batches, own, self.context, by_camera=False)
        return [OptimizerStep(sampler, self.clip_views, loss, update)]


@dataclass(frozen=True)
class CrossStage(IntraStage):
    """The contrast with linked clusters of both modalities, in memories that both share."""

    name: ClassVar[str] = "cross"
    params: CrossParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters and their links, and four memories, two of each modality's centroids."""
        targets = dual_targets(self.context.means(features), self.context)
        own = ClusterArrays.of(targets)
        visible, infrared = (targets.memories[m.label] for m in Modality)
        matching = optimal_partners(visible, infrared)
        linked = closer_than_partners(visible, infrared, matching)
        arrays = LinkedArrays(visible=own.visible, infrared=own.infrared, linked=linked)
        return replace(
            targets,
            arrays=arrays.pack(),
            memories={**targets.memories, **{AGNOSTIC[m]: targets.memories[m.label] for m in Modality}},
            metrics={f"links_{m.label}": linked.nnz / linked.shape[axis] for axis, m in enumerate(Modality)},
            diagnosis=Diagnosis(assignment=partners(own.infrared, matching.infrared_to_visible)),
        )

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on P pairs of linked clusters, K tracklets of each."""
        arrays, params, rule = LinkedArrays.of(targets), self.params, self.context.memory_rule
        own = arrays.own

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            terms = specific_terms(batch, memories, own, temperature=params.temperature)
            return terms | shared_terms(PairedClips.of(batch, own), memories, params)

        def update(batch: Batch, memories: Memories) -> None:
            update_specific(batch, memories, own, momentum=params.momentum, rule=rule)
            update_agnostic(PairedClips.of(batch, own), memories, momentum=params.momentum, rule=rule)

        sampler = partial(linked_batches, arrays, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update, wants_raw=params.raw_across)]


def specific_terms(
    batch: Batch, memories: Memories, labels: Mapping[Modality, Labels], *, temperature: float
) -> dict[str, Tensor]:
    """L_MS: the contrast of all views with their modality's prototypes: ``visible`` and ``infrared``.

    Args:
        batch: clips of both modalities.
        memories: with ``visible`` and ``infrared``, [C, D] unit rows.
        labels: int64 [N] for each modality.
        temperature: > 0.
    """
    terms = dual_terms(batch, memories, labels, temperature=temperature)
    return {m.label: len(batch.views_of(m)) * terms[m.label] for m in Modality}


def shared_terms(pairs: PairedClips, memories: Memories, params: CrossParams) -> dict[str, Tensor]:
    """alpha L_MA and beta L_CC, over all views of both modalities and the clusters of both.

    Args:
        pairs: clips of linked clusters; with `raw` where `params.raw_across` says so.
        memories: the two of each modality.
        params: the weights and the temperature.
    """
    agnostic, consistency = [], []
    for space, labels in pairs.labels.items():
        for m in Modality:
            across = params.raw_across and m != space
            for view, clips in enumerate(pairs.features[m]):
                shared = cosine_logits(clips, memories[AGNOSTIC[space]], temperature=params.temperature)
                agnostic.append(F.cross_entropy(shared, labels))
                if across:
                    specific = dot_logits(pairs.raw[m][view], memories[space.label], params.temperature)
                else:
                    specific = cosine_logits(clips, memories[space.label], temperature=params.temperature)
                consistency.append(symmetric_divergence(specific, shared))
    return {
        "agnostic": params.alpha * torch.stack(agnostic).sum(),
        "consistency": params.beta * torch.stack(consistency).sum(),
    }


def dot_logits(features: Tensor, prototypes: Tensor, temperature: float) -> Tensor:
    """[B, C]: the dot product of features [B, D], as long as they are, and prototypes [C, D]."""
    return features.to(prototypes.dtype) @ prototypes.T / temperature


def update_specific(
    batch: Batch,
    memories: Memories,
    labels: Mapping[Modality, Labels],
    *,
    momentum: float,
    rule: MemoryRule,
) -> None:
    """Move the prototypes of each modality by its clips, the last view first; in place."""
    for m in Modality:
        views = batch.views_of(m).flip(0)
        of_clips = at(labels[m], batch.rows).repeat(len(views))
        update_prototypes(memories[m.label], views.flatten(0, 1), of_clips, momentum=momentum, rule=rule)


def update_agnostic(pairs: PairedClips, memories: Memories, *, momentum: float, rule: MemoryRule) -> None:
    """Move the memories that both modalities share: infrared clips first, then visible ones; in place.

    The last view comes first, as the published backward pass takes the calls of a memory, so that the first
    view of the visible clips has the last word where memories move in turn.
    """
    views = torch.cat([pairs.features[m].flip(0) for m in (Modality.INFRARED, Modality.VISIBLE)])
    for m, labels in pairs.labels.items():
        of_clips = labels.repeat(len(views))
        update_prototypes(memories[AGNOSTIC[m]], views.flatten(0, 1), of_clips, momentum=momentum, rule=rule)
