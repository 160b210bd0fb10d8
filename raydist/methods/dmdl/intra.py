"""The first stage of DMDL: contrast within each modality, on labels that two views soften for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.losses.contrastive import cosine_logits, soft_cross_entropy
from raydist.memories.rules import update_prototypes
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.dmdl.clips import ModalityClips
from raydist.methods.dmdl.views import ViewArrays, ViewParams, ViewStage
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch, Moment, Ramp
from raydist.methods.steps import Batch, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Modality


class IntraParams(ViewParams):
    """Hyper-parameters of the contrast within each modality."""

    triplet: Ramp = ((0.32, 0.25), (0.52, 0.5), (0.72, 1.0))
    top: int = Field(3, ge=1)
    exchange_from: Moment = 0.6


@dataclass(frozen=True)
class IntraStage(ViewStage):
    """Contrast within each modality, on labels that two views soften for each other."""

    name: ClassVar[str] = "intra"
    params: IntraParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters and centroids of each modality, and how far each label is trusted."""
        means = self.context.means(features)
        clusters = cluster_modalities(means, self.context)
        memories = {m: clusters.centroids(means, m) for m in Modality}
        confidence = np.zeros(len(means), np.float32)
        for m, rows in clusters.rows.items():
            confidence[rows] = self.confidence(means, clusters.labels(m), memories[m], rows)
        arrays = ViewArrays(**vars(clusters.arrays), confidence=confidence)
        return Targets(
            clusters.joint,
            arrays.pack(),
            memories={m.label: memories[m] for m in Modality},
            metrics={"confidence": float(confidence[clusters.joint != NOISE].mean())},
        )

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of P x K tracklets of each modality, two views each."""
        arrays = ViewArrays.of(targets)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            clips = self.split(batch, arrays)
            terms = {each.modality.label: self.contrast(each, memories, epoch) for each in clips}
            return terms | self.view_terms(clips, epoch)

        def update(batch: Batch, memories: Memories) -> None:
            for clips in self.split(batch, arrays):
                update_prototypes(
                    memories[clips.modality.label],
                    clips.all_features,
                    clips.all_labels,
                    momentum=self.params.momentum,
                    rule=self.context.memory_rule,
                )

        sampler = partial(cluster_batches, arrays.own, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update, wants_raw=True)]

    def contrast(self, clips: ModalityClips, memories: Memories, epoch: Epoch) -> Tensor:
        """CE of both views with the clusters of their modality."""
        prototypes = memories[clips.modality.label]
        logits = cosine_logits(clips.all_features, prototypes, temperature=self.params.temperature)
        targets = self.soft_labels(clips, logits.unflatten(0, clips.features.shape[:2]), epoch)
        return soft_cross_entropy(logits, targets.flatten(0, 1))
