"""The one stage of the supervised upper bound, and its classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field
from torch import Tensor, nn

from raydist.losses.identity import identity_loss
from raydist.losses.triplet import batch_hard_triplet
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.clip_views import TONES
from raydist.methods.common.labels import at
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Params, Stage, Targets
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Labels, Modality


class SupervisedParams(Params):
    """Hyper-parameters of the supervised upper bound.

    Attributes:
        scale: factor of the cosines before the softmax.
        margin: m, how much farther than the farthest positive the nearest negative of a triplet should be.
        smoothing: share of a label that is spread over all classes.
        triplet: weight of the triplets.
    """

    name: str = "supervised"
    scale: float = Field(20.0, gt=0)
    margin: float = Field(0.3, ge=0)
    smoothing: float = Field(0.1, ge=0, lt=1)
    triplet: float = Field(1.0, ge=0)


@dataclass(frozen=True)
class SupervisedStage(Stage):
    """One classifier for both modalities.

    Attributes:
        loss: hyper-parameters of the loss; `params` holds the schedule alone.
        classes: int64 [N], identities numbered from 0.
    """

    name: ClassVar[str] = "supervised"
    needs_features: ClassVar[bool] = False
    loss: SupervisedParams
    classes: Labels

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """One, in other tones."""
        return [ClipView(augment=TONES)]

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """The identities themselves."""
        return Targets(self.classes)

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of P identities with K tracklets of each modality."""
        modality, params = self.context.tracklets.modality, self.loss
        labels = {m: np.where(modality == m, targets.labels, NOISE) for m in Modality}

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            features = batch.features.flatten(0, 1)
            classes = at(targets.labels, batch.rows).repeat(len(batch.features))
            logits = params.scale * modules["classifier"](features)
            triplet = batch_hard_triplet(features, classes, margin=params.margin)
            return {
                "identity": identity_loss(logits, classes, smoothing=params.smoothing),
                "triplet": params.triplet * triplet,
            }

        def update(batch: Batch, memories: Memories) -> None:
            """There is no memory."""

        sampler = partial(cluster_batches, labels, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update)]


class CosineClassifier(nn.Module):
    """Cosine of unit features with one learned direction a class.

    Args:
        width: D.
        num_classes: C.
    """

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(num_classes, width))

    def forward(self, features: Tensor) -> Tensor:
        """[B, D] unit rows -> [B, C] in [-1, 1]."""
        return features @ nn.functional.normalize(self.weight).T
