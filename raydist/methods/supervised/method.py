"""The supervised ruler: identity loss and batch-hard triplets over both modalities. Not an unsupervised method.

It is given the identities, says so wherever its results stand, and is the upper bound that presets and methods are measured
against.

===============================  =======================================
equation                         function
===============================  =======================================
identity loss, smoothing 0.1     `raydist.losses.identity.identity_loss`
batch-hard triplet, margin m     `raydist.losses.triplet.batch_hard_triplet`
===============================  =======================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from raydist.errors import DataError
from raydist.losses.identity import identity_loss
from raydist.losses.triplet import batch_hard_triplet
from raydist.methods.common.clusters import cluster_batches
from raydist.methods.common.warm_up import TONES
from raydist.methods.dcl.method import at
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
from raydist.types import NOISE, UNKNOWN_IDENTITY, Floats, Ints, Labels, Modality


class SupervisedParams(Params):
    """Hyper-parameters of the supervised ruler."""

    name: Literal["supervised"] = "supervised"
    scale: float = Field(20.0, gt=0)
    margin: float = Field(0.3, ge=0)
    smoothing: float = Field(0.1, ge=0, lt=1)
    triplet: float = Field(1.0, ge=0)


@dataclass
class SupervisedStage(Stage):
    """One classifier for both modalities.

    Attributes:
        context: the tracklets and the batch.
        params: hyper-parameters.
        classes: int64 [N], identities numbered from 0.
    """

    name: ClassVar[str] = "supervised"
    needs_features: ClassVar[bool] = False
    context: MethodContext
    params: SupervisedParams
    classes: Labels

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """The identities themselves."""
        return Targets(self.classes)

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """One step a batch of P identities with K tracklets of each modality."""
        modality = self.context.tracklets.modality
        labels = {m: np.where(modality == m, targets.labels, NOISE) for m in Modality}

        def sample(iterations: int, rng: np.random.Generator) -> Ints:
            return cluster_batches(labels, self.context, iterations, rng)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            features = batch.features.flatten(0, 1)
            classes = at(targets.labels, batch.rows).repeat(len(batch.features))
            logits = self.params.scale * modules["classifier"](features)
            triplet = batch_hard_triplet(features, classes, margin=self.params.margin)
            return {
                "identity": identity_loss(logits, classes, smoothing=self.params.smoothing),
                "triplet": self.params.triplet * triplet,
            }

        def update(batch: Batch, memories: Memories) -> None:
            """There is no memory."""

        return [OptimizerStep(sample, [ClipView(augment=TONES)], loss, update)]


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


class Supervised(Method):
    """The supervised ruler; see the module."""

    Params = SupervisedParams
    supervised = True

    def stages(self) -> Sequence[Stage]:
        """One stage."""
        return [SupervisedStage(self.context, self.params, self._classes())]

    def modules(self, width: int) -> dict[str, nn.Module]:
        """The classifier."""
        return {"classifier": CosineClassifier(width, int(self._classes().max()) + 1)}

    def _classes(self) -> Labels:
        truth = self.context.truth
        if truth is None or (truth.identity == UNKNOWN_IDENTITY).any():
            raise DataError(
                "method.name = supervised needs the identity of every training tracklet, and some are not known"
            )
        return np.unique(truth.identity, return_inverse=True)[1].astype(np.int64)
