"""The dual contrast: that of each modality with its own clusters (ADCA, Yang et al., ACM MM 2022).

The equations are in `raydist.methods.dcl.method`. Other methods compose their steps from the functions here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import torch
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.losses.contrastive import cluster_contrast
from raydist.memories.rules import MemoryRule, update_prototypes
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.clip_views import PLAIN_AND_TONES, Jittered, channel_views
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.common.labels import ClusterArrays, at, clips_and_labels
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import MethodContext, Stage, StageParams, Targets
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep
from raydist.types import Labels, Modality


class ContrastParams(StageParams):
    """Hyper-parameters of a contrast with the prototypes of clusters.

    Attributes:
        temperature: of the softmax over the prototypes.
        momentum: mu, share of the old prototype at an update.
    """

    old_names: ClassVar[Mapping[str, str]] = {"keep": "momentum"}

    lr_factor: float = Field(0.3, gt=0)
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.2, ge=0, le=1)


class DualContrastParams(ContrastParams):
    """Hyper-parameters of the dual contrast.

    Attributes:
        views: ``channels`` shows one channel of visible clips a second time, as published; ``tones`` shows
            all clips a second time in other tones, for encoders that start from nothing.
        jittered: whose colours are jittered, with ``channels``: of no clip as in ADCA, of the second visible
            view, or of infrared clips too.
    """

    momentum: float = Field(0.1, ge=0, le=1)
    views: Literal["channels", "tones"] = "channels"
    jittered: Jittered = "none"

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """The views of each clip."""
        return PLAIN_AND_TONES if self.views == "tones" else channel_views(self.jittered)


@dataclass(frozen=True)
class DualContrastStage(Stage):
    """Clusters and centroids of each modality; see the module."""

    name: ClassVar[str] = "dual-contrast"
    params: DualContrastParams

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """See the parameters."""
        return self.params.clip_views

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters and centroids of each modality."""
        return dual_targets(self.context.means(features), self.context)

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of P x K tracklets of each modality."""
        own = ClusterArrays.of(targets).own

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return dual_terms(batch, memories, own, temperature=self.params.temperature)

        def update(batch: Batch, memories: Memories) -> None:
            momentum, rule = self.params.momentum, self.context.memory_rule
            update_dual(batch, memories, own, momentum=momentum, rule=rule)

        sampler = partial(cluster_batches, own, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update)]


def dual_targets(means: EpochFeatures, context: MethodContext) -> Targets:
    """The clusters of each modality, and their centroids as the memories ``visible`` and ``infrared``.

    Args:
        means: [N, 1, D], features of the tracklets.
        context: how each modality is clustered.

    Returns:
        Targets with `ClusterArrays`.
    """
    clusters = cluster_modalities(means, context)
    memories = {m.label: clusters.centroids(means, m) for m in Modality}
    return Targets(clusters.joint, clusters.arrays.pack(), memories)


def dual_terms(
    batch: Batch, memories: Memories, labels: Mapping[Modality, Labels], *, temperature: float
) -> dict[str, Tensor]:
    """The contrast of each modality with its own prototypes: ``visible`` and ``infrared``.

    Args:
        batch: clips of both modalities.
        memories: with ``visible`` and ``infrared``, [C, D] unit rows.
        labels: int64 [N] for each modality.
        temperature: > 0.
    """
    return {
        m.label: contrast(
            batch.views_of(m), at(labels[m], batch.rows), memories[m.label], temperature=temperature
        )
        for m in Modality
    }


def contrast(views: Iterable[Tensor], labels: Tensor, prototypes: Tensor, *, temperature: float) -> Tensor:
    """The mean contrast of clip views with the prototypes of their labels.

    Args:
        views: [B, D] each.
        labels: int64 [B]; rows of NOISE are left out.
        prototypes: [C, D] unit rows.
        temperature: > 0.
    """
    terms = [cluster_contrast(f, labels, prototypes, temperature=temperature) for f in views]
    return torch.stack(terms).mean()


def update_dual(
    batch: Batch,
    memories: Memories,
    labels: Mapping[Modality, Labels],
    *,
    momentum: float,
    rule: MemoryRule,
) -> None:
    """Move the prototypes of a batch's clusters by all clip views; changes the memories in place."""
    for m in Modality:
        features, of_clips = clips_and_labels(batch, m, labels[m])
        update_prototypes(memories[m.label], features, of_clips, momentum=momentum, rule=rule)
