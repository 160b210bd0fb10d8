"""DCL: dual contrastive learning (ADCA, Yang et al., ACM MM 2022, stage 1), the common ground of the clustering methods.

Each modality is clustered by itself once an epoch; a memory of cluster centroids per modality; every clip is drawn to the
centroid of its cluster and away from the others of its modality.

===================================  ==========================================
equation                             function
===================================  ==========================================
M_c = norm(mean of cluster c)        `ModalityClusters.centroids`
L = CE(M_v; V) + CE(M_i; I)          `DualContrastStage.optimizer_steps`
M_y <- norm(mu M_y + (1-mu) x)       `raydist.memories.centroids.update_centroids`
===================================  ==========================================

Deviations: tracklets in the place of images; a tracklet warm-up comes first (there are no pretrained weights to lean on);
both modalities have a second version in other tones; the memory moves by the batch mean of a cluster after the step,
not sample by sample in the backward pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raydist.config import Section
from raydist.losses.contrastive import cluster_contrast
from raydist.memories.centroids import update_centroids
from raydist.methods.common.clusters import cluster_batches, cluster_modalities, tracklet_means
from raydist.methods.common.warm_up import TONES, WarmUp, WarmUpParams
from raydist.methods.method import (
    Batch,
    ClipView,
    Memories,
    Method,
    MethodContext,
    Modules,
    OptimizerStep,
    Params,
    Refresher,
    Stage,
    Targets,
)
from raydist.types import Floats, Ints, Labels, Modality


class DualContrastParams(Section):
    """Hyper-parameters of the dual contrast."""

    old_names: ClassVar[Mapping[str, str]] = {"keep": "momentum"}

    share: float = Field(1.0, gt=0)
    lr_factor: float = Field(0.3, gt=0)
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.2, ge=0, le=1)


@dataclass
class DualContrastStage(Stage):
    """Clusters and centroids per modality.

    Attributes:
        context: the tracklets, the clustering and the batch.
        params: hyper-parameters.
    """

    name: ClassVar[str] = "dual-contrast"
    context: MethodContext
    params: DualContrastParams

    def __post_init__(self) -> None:
        self.share, self.lr_factor = self.params.share, self.params.lr_factor

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Clusters and centroids of each modality."""
        means = tracklet_means(features)
        clusters = cluster_modalities(refresher, means, self.context)
        return Targets(
            clusters.joint,
            arrays={m.label: clusters.labels(m) for m in Modality},
            memories={m.label: clusters.centroids(means, m) for m in Modality},
        )

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """One step a batch of P x K tracklets of each modality, two versions each."""
        labels = own_labels(targets)

        def sample(iterations: int, rng: np.random.Generator) -> Ints:
            return cluster_batches(labels, self.context, iterations, rng)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return self.terms(batch, memories, targets, epoch)

        def update(batch: Batch, memories: Memories) -> None:
            for modality in Modality:
                self.move(memories[modality.label], batch.features[0], at(labels[modality], batch.rows))

        return [OptimizerStep(sample, [ClipView(), ClipView(augment=TONES)], loss, update)]

    def terms(self, batch: Batch, memories: Memories, targets: Targets, epoch: int) -> dict[str, Tensor]:
        """The contrast of each modality with its own centroids."""
        labels = own_labels(targets)
        return {
            m.label: contrast(batch, labels[m], memories[m.label], temperature=self.params.temperature)
            for m in Modality
        }

    def move(self, prototypes: Tensor, features: Tensor, labels: Tensor) -> None:
        """Move the centroids of a batch's clusters."""
        update_centroids(prototypes, features, labels, momentum=self.params.momentum)


def contrast(batch: Batch, labels: Labels, prototypes: Tensor, *, temperature: float) -> Tensor:
    """The contrast of all versions of a batch with the prototypes of their labels; rows of NOISE are left out."""
    of_rows = at(labels, batch.rows)
    return torch.stack(
        [cluster_contrast(f, of_rows, prototypes, temperature=temperature) for f in batch.features]
    ).mean()


def at(labels: Labels, rows: Tensor) -> Tensor:
    """Labels of the rows of a batch, on its device."""
    return torch.from_numpy(labels)[rows.cpu()].to(rows.device)


def own_labels(targets: Targets) -> dict[Modality, Labels]:
    """int64 [N] for each modality: its own clusters, NOISE on rows of the other."""
    return {m: np.asarray(targets.arrays[m.label]) for m in Modality}


class DualContrastMethodParams(Params):
    """Hyper-parameters of DCL."""

    name: Literal["dcl"] = "dcl"
    warm_up: WarmUpParams = WarmUpParams()
    dual: DualContrastParams = DualContrastParams()


class DualContrast(Method):
    """DCL: the tracklet warm-up, then the dual contrast; see the module."""

    Params = DualContrastMethodParams

    def stages(self) -> Sequence[Stage]:
        """Warm-up and dual contrast."""
        return [WarmUp(self.context, self.params.warm_up), DualContrastStage(self.context, self.params.dual)]
