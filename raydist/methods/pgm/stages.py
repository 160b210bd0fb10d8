"""The stage of PGM across the modalities: matched clusters, and a contrast in alternate directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.association.progressive import progressive_matching
from raydist.memories.centroids import update_hardest
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.clip_views import PLAIN_AND_TONES
from raydist.methods.common.dual_contrast import DualContrastParams, contrast, dual_targets, dual_terms
from raydist.methods.common.labels import ClusterArrays, at, partners
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.method import Epoch, Refresher, Stage, Targets
from raydist.methods.steps import Batch, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Floats, Labels, Modality


class CrossContrastParams(DualContrastParams):
    """Hyper-parameters of the cross contrast.

    Attributes:
        weight: weight of L_x, the cross term.
    """

    share: float = Field(2.0, ge=0)
    weight: float = Field(0.25, ge=0)


@dataclass(frozen=True, kw_only=True)
class CrossArrays(ClusterArrays):
    """The clusters of each modality and their partners.

    Attributes:
        across: int64 [N], the cluster of the other modality that each row's cluster is matched with; NOISE
            for none.
    """

    across: Labels


@dataclass(frozen=True)
class CrossContrastStage(Stage):
    """Dual contrast with a term across the modalities that changes direction every epoch."""

    name: ClassVar[str] = "cross-contrast"
    params: CrossContrastParams

    def refresh(
        self, features: Floats, previous: Targets | None, refresher: Refresher, epoch: Epoch, rng: Generator
    ) -> Targets:
        """The dual targets, and the partner of every clustered tracklet's cluster."""
        targets = dual_targets(self.context.means(features), refresher, self.context)
        own = ClusterArrays.of(targets)
        v2i, i2v = progressive_matching(targets.memories["visible"], targets.memories["infrared"])
        assignment = partners(own.infrared, i2v)
        arrays = CrossArrays(
            visible=own.visible,
            infrared=own.infrared,
            across=np.maximum(partners(own.visible, v2i), assignment),
        )
        return replace(targets, arrays=arrays.pack(), diagnosis=Diagnosis(assignment=assignment))

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """The dual step with the cross term of this epoch's direction: of infrared clips first."""
        arrays = CrossArrays.of(targets)
        source = Modality.INFRARED if epoch.index % 2 == 0 else Modality.VISIBLE
        across = np.where(arrays.own[source] == NOISE, NOISE, arrays.across)
        temperature, momentum = self.params.temperature, self.params.momentum

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            terms = dual_terms(batch, memories, arrays.own, temperature=temperature)
            cross = contrast(batch, across, memories[source.other.label], temperature=temperature)
            return terms | {"cross": self.params.weight * cross}

        def update(batch: Batch, memories: Memories) -> None:
            for m, labels in arrays.own.items():
                update_hardest(
                    memories[m.label], batch.features[0], at(labels, batch.rows), momentum=momentum
                )

        sampler = partial(cluster_batches, arrays.own, self.context)
        return [OptimizerStep(sampler, PLAIN_AND_TONES, loss, update)]
