"""The stage of PGM across the modalities: matched clusters, and a contrast in alternate directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.association.progressive import UNMATCHED, ClusterMatching, progressive_matching
from raydist.memories.centroids import update_hardest
from raydist.memories.rules import update_prototypes
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.dual_contrast import DualContrastParams, contrast, dual_targets, dual_terms
from raydist.methods.common.labels import ClusterArrays, at, clips_and_labels, partners
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Stage, Targets
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Floats, Labels, Modality


class MatchedContrastParams(DualContrastParams):
    """Hyper-parameters of the dual contrast of PGM, which are ADCA's but for the momentum."""

    momentum: float = Field(0.2, ge=0, le=1)


class CrossContrastParams(MatchedContrastParams):
    """Hyper-parameters of the cross contrast.

    Attributes:
        weight: weight of L_x, the cross term.
        hardest: whether a prototype moves by the least similar sample of a batch alone, as published for
            SYSU-MM01; else by the rule of ``memory.rule``, as published for RegDB.
        cross_updates: whether L_x moves the memory that it compares with, as the published code does.
        unequal: what is done where there are fewer visible than infrared clusters: the modalities change
            their roles in the matching, or the epoch has no cross term, as published for SYSU-MM01.
    """

    share: float = Field(2.0, ge=0)
    weight: float = Field(0.25, ge=0)
    hardest: bool = True
    cross_updates: bool = True
    unequal: Literal["swap", "skip"] = "swap"


@dataclass(frozen=True, kw_only=True)
class CrossArrays(ClusterArrays):
    """The clusters of each modality and their partners.

    Attributes:
        across: int64 [N], the cluster of the other modality that each row's cluster is matched with; NOISE
            for none.
    """

    across: Labels

    def across_from(self, source: Modality) -> Labels:
        """int64 [N]: `across` of one modality's rows, NOISE on those of the other."""
        return np.where(self.own[source] == NOISE, NOISE, self.across)


def match(visible: Floats, infrared: Floats, *, unequal: Literal["swap", "skip"]) -> ClusterMatching:
    """The partners of the clusters; see `CrossContrastParams.unequal`.

    Args:
        visible: float32 [C_v, D], centroids.
        infrared: float32 [C_i, D].
        unequal: what is done where C_v < C_i.

    >>> x = np.eye(3, dtype=np.float32)
    >>> [match(x[:2], x, unequal=unequal).infrared_to_visible.tolist() for unequal in ("swap", "skip")]
    [[0, 1, 0], [-1, -1, -1]]
    """
    if unequal == "skip" and len(visible) < len(infrared):
        return ClusterMatching(*(np.full(len(side), UNMATCHED) for side in (visible, infrared)))
    return progressive_matching(visible, infrared)


@dataclass(frozen=True)
class CrossContrastStage(Stage):
    """Dual contrast with a term across the modalities that changes direction every epoch."""

    name: ClassVar[str] = "cross-contrast"
    params: CrossContrastParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """The dual targets, and the partner of every clustered tracklet's cluster."""
        targets = dual_targets(self.context.means(features), self.context)
        own = ClusterArrays.of(targets)
        v2i, i2v = match(*(targets.memories[m.label] for m in Modality), unequal=self.params.unequal)
        assignment = partners(own.infrared, i2v)
        arrays = CrossArrays(
            visible=own.visible,
            infrared=own.infrared,
            across=np.maximum(partners(own.visible, v2i), assignment),
        )
        return replace(targets, arrays=arrays.pack(), diagnosis=Diagnosis(assignment=assignment))

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """See the parameters."""
        return self.params.clip_views

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """The dual step with the cross term of this epoch's direction: of visible clips first."""
        arrays = CrossArrays.of(targets)
        source = Modality.VISIBLE if epoch.index % 2 == 0 else Modality.INFRARED
        across, temperature = arrays.across_from(source), self.params.temperature

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            terms = dual_terms(batch, memories, arrays.own, temperature=temperature)
            views, labels = batch.views_of(source), at(across, batch.rows)
            cross = contrast(views, labels, memories[source.other.label], temperature=temperature)
            return terms | {"cross": self.params.weight * cross}

        def update(batch: Batch, memories: Memories) -> None:
            if self.params.cross_updates:
                self.move(memories[source.other.label], *clips_and_labels(batch, source, across))
            for m, labels in arrays.own.items():
                self.move(memories[m.label], *clips_and_labels(batch, m, labels))

        sampler = partial(cluster_batches, arrays.own, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update)]

    def move(self, prototypes: Tensor, features: Tensor, labels: Tensor) -> None:
        """Move prototypes by the clips of one call; the published backward pass takes L_x's call first."""
        momentum = self.params.momentum
        if self.params.hardest:
            update_hardest(prototypes, features, labels, momentum=momentum)
        else:
            update_prototypes(prototypes, features, labels, momentum=momentum, rule=self.context.memory_rule)
