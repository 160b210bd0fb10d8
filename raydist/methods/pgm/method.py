"""PGM: progressive graph matching with alternate cross contrast (Wu and Ye, CVPR 2023).

After the dual contrast, clusters of the two modalities are matched by their centroids, round after round until
every cluster has a partner; then each modality is drawn, in turn, to the partner's centroid in the other modality.

==========================================  ==========================================
equation                                    function
==========================================  ==========================================
cost 1 / exp(cos(c_v, c_i)), matching       `raydist.association.progressive`
L_x = CE(M_v; I, i2v) on odd epochs         `CrossContrastStage.terms`
L_x = CE(M_i; V, v2i) on even epochs        `CrossContrastStage.terms`
L = L_v + L_i + 0.25 L_x                    `CrossContrastStage.terms`
memory moved by the hardest sample          `raydist.memories.centroids.update_hardest`
==========================================  ==========================================

Deviations: those of `raydist.methods.dcl.method`; matching is defined for any numbers of clusters (the smaller side takes the role of
the infrared); the stages follow each other in one run and pass on their last weights, not those best on the test set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from torch import Tensor

from raydist.association.progressive import progressive_matching
from raydist.memories.centroids import update_hardest
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.dcl.method import DualContrastParams, DualContrastStage, contrast, own_labels
from raydist.methods.method import Batch, Memories, Method, Params, Refresher, Stage, Targets
from raydist.types import NOISE, Floats, Labels, Modality


class CrossContrastParams(DualContrastParams):
    """Hyper-parameters of the cross contrast."""

    share: float = Field(2.0, gt=0)
    weight: float = Field(0.25, ge=0)


@dataclass
class CrossContrastStage(DualContrastStage):
    """Dual contrast with a term across the modalities that changes direction every epoch."""

    name: ClassVar[str] = "cross-contrast"
    params: CrossContrastParams

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """The dual targets, and for every clustered tracklet the partner cluster across."""
        targets = super().refresh(features, previous, refresher, epoch, rng)
        own = own_labels(targets)
        v2i, i2v = progressive_matching(targets.memories["visible"], targets.memories["infrared"])
        across = np.maximum(partners(own[Modality.VISIBLE], v2i), partners(own[Modality.INFRARED], i2v))
        return replace(targets, arrays={**targets.arrays, "across": across})

    def terms(self, batch: Batch, memories: Memories, targets: Targets, epoch: int) -> dict[str, Tensor]:
        """The dual terms, and the cross term of this epoch's direction: of infrared clips first."""
        source = Modality.INFRARED if epoch % 2 == 0 else Modality.VISIBLE
        across = np.where(own_labels(targets)[source] == NOISE, NOISE, np.asarray(targets.arrays["across"]))
        cross = contrast(batch, across, memories[source.other.label], temperature=self.params.temperature)
        return {**super().terms(batch, memories, targets, epoch), "cross": self.params.weight * cross}

    def move(self, prototypes: Tensor, features: Tensor, labels: Tensor) -> None:
        """Move each centroid by the least similar sample of its cluster."""
        update_hardest(prototypes, features, labels, momentum=self.params.momentum)


def partners(labels: Labels, matched: Labels) -> Labels:
    """The partner of each row's cluster; NOISE stays NOISE.

    >>> partners(np.array([1, -1, 0]), np.array([5, 4]))
    array([ 4, -1,  5])
    """
    return np.where(labels == NOISE, NOISE, np.append(matched, NOISE)[labels])


class ProgressiveGraphMatchingParams(Params):
    """Hyper-parameters of PGM."""

    name: Literal["pgm"] = "pgm"
    warm_up: WarmUpParams = WarmUpParams()
    dual: DualContrastParams = DualContrastParams()
    cross: CrossContrastParams = CrossContrastParams()


class ProgressiveGraphMatching(Method):
    """PGM: warm-up, dual contrast, cross contrast; see the module."""

    Params = ProgressiveGraphMatchingParams

    def stages(self) -> Sequence[Stage]:
        """Warm-up, dual contrast, cross contrast."""
        params, context = self.params, self.context
        return [
            WarmUp(context, params.warm_up),
            DualContrastStage(context, params.dual),
            CrossContrastStage(context, params.cross),
        ]
