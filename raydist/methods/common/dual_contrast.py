"""The dual contrast: that of each modality with its own clusters (ADCA, Yang et al., ACM MM 2022).

The equations are in `raydist.methods.dcl.method`. Other methods compose their steps from the functions here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.losses.contrastive import cluster_contrast
from raydist.memories.centroids import update_centroids
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.clip_views import PLAIN_AND_TONES
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.common.labels import ClusterArrays, at
from raydist.methods.method import Epoch, MethodContext, Refresher, Stage, StageParams, Targets
from raydist.methods.steps import Batch, Memories, Modules, OptimizerStep
from raydist.types import Floats, Labels, Modality


class DualContrastParams(StageParams):
    """Hyper-parameters of the dual contrast.

    Attributes:
        temperature: of the softmax over the prototypes.
        momentum: mu, share of the old prototype at an update.
    """

    old_names: ClassVar[Mapping[str, str]] = {"keep": "momentum"}

    lr_factor: float = Field(0.3, gt=0)
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.2, ge=0, le=1)


@dataclass(frozen=True)
class DualContrastStage(Stage):
    """Clusters and centroids of each modality; see the module."""

    name: ClassVar[str] = "dual-contrast"
    params: DualContrastParams

    def refresh(
        self, features: Floats, previous: Targets | None, refresher: Refresher, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters and centroids of each modality."""
        return dual_targets(self.context.means(features), refresher, self.context)

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of P x K tracklets of each modality, two clip views each."""
        own = ClusterArrays.of(targets).own

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return dual_terms(batch, memories, own, temperature=self.params.temperature)

        def update(batch: Batch, memories: Memories) -> None:
            update_dual(batch, memories, own, momentum=self.params.momentum)

        sampler = partial(cluster_batches, own, self.context)
        return [OptimizerStep(sampler, PLAIN_AND_TONES, loss, update)]


def dual_targets(means: Floats, refresher: Refresher, context: MethodContext) -> Targets:
    """The clusters of each modality, and their centroids as the memories ``visible`` and ``infrared``.

    Args:
        means: float32 [N, D], features of the tracklets.
        refresher: distances and clusters.
        context: how each modality is clustered.

    Returns:
        Targets with `ClusterArrays`.
    """
    clusters = cluster_modalities(refresher, means, context)
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
    return {m.label: contrast(batch, labels[m], memories[m.label], temperature=temperature) for m in Modality}


def contrast(batch: Batch, labels: Labels, prototypes: Tensor, *, temperature: float) -> Tensor:
    """The contrast of all clip views with the prototypes of their labels; rows of NOISE are left out."""
    of_batch = at(labels, batch.rows)
    return torch.stack(
        [cluster_contrast(f, of_batch, prototypes, temperature=temperature) for f in batch.features]
    ).mean()


def update_dual(
    batch: Batch, memories: Memories, labels: Mapping[Modality, Labels], *, momentum: float
) -> None:
    """Move the centroids of a batch's clusters by the first clip view; changes the memories in place."""
    for m in Modality:
        update_centroids(memories[m.label], batch.features[0], at(labels[m], batch.rows), momentum=momentum)
