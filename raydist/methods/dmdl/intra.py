"""The first stage of DMDL: contrast within each modality, on labels that two views soften for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from raydist.losses.contrastive import cosine_logits, soft_cross_entropy
from raydist.memories.centroids import update_centroids
from raydist.methods.common.clusters import cluster_batches, cluster_modalities, tracklet_means
from raydist.methods.dcl.method import own_labels
from raydist.methods.dmdl.views import Ramp, Side, ViewParams, ViewStage
from raydist.methods.method import Batch, Memories, Modules, OptimizerStep, Refresher, Targets
from raydist.types import NOISE, Floats, Ints, Modality


class IntraParams(ViewParams):
    """Hyper-parameters of the contrast within each modality."""

    triplet: Ramp = ((0.32, 0.25), (0.52, 0.5), (0.72, 1.0))
    top: int = 3
    exchange_from: float = 0.6


@dataclass
class IntraStage(ViewStage):
    """See the module."""

    name: ClassVar[str] = "intra"
    params: IntraParams

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Clusters and centroids of each modality, and how far each label is trusted."""
        means = tracklet_means(features)
        clusters = cluster_modalities(refresher, means, self.context)
        labels = {m: clusters.labels(m) for m in Modality}
        memories = {m: clusters.centroids(means, m) for m in Modality}
        confidence = np.maximum(*(self.confidence(means, labels[m], memories[m]) for m in Modality))
        return Targets(
            clusters.joint,
            arrays={**{m.label: labels[m] for m in Modality}, "confidence": confidence},
            memories={m.label: memories[m] for m in Modality},
            metrics={"confidence": float(confidence[clusters.joint != NOISE].mean())},
        )

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """One step a batch of P x K tracklets of each modality, two views each."""

        def sample(iterations: int, rng: np.random.Generator) -> Ints:
            return cluster_batches(own_labels(targets), self.context, iterations, rng)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            sides = self.sides(batch, targets)
            terms = {side.modality.label: self.contrast(side, memories, epoch) for side in sides}
            return terms | self.view_terms(sides, epoch)

        def update(batch: Batch, memories: Memories) -> None:
            for side in self.sides(batch, targets):
                update_centroids(
                    memories[side.modality.label],
                    side.every_feature,
                    side.every_label,
                    momentum=self.params.momentum,
                )

        return [OptimizerStep(sample, self.clip_views, loss, update, wants_raw=True)]

    def contrast(self, side: Side, memories: Memories, epoch: int) -> Tensor:
        """CE of both views with the clusters of their modality."""
        logits = cosine_logits(
            side.every_feature, memories[side.modality.label], temperature=self.params.temperature
        )
        wanted = self.soft_labels(side, logits.unflatten(0, side.features.shape[:2]), epoch)
        return soft_cross_entropy(logits, wanted.flatten(0, 1))
