"""The first stage of HIL: SDCL on the clusters of each modality, and late on labels that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator
from pydantic import Field

from raydist.methods.common.branch_contrast import BranchContrastStage, own_targets
from raydist.methods.common.ranked_labels import RankingParams, shared_targets
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch, Moment


class BaselineParams(RankingParams):
    """Hyper-parameters of the baseline.

    Attributes:
        shared_from: the share of the stage, or ``epoch N``, from which on visible tracklets take labels of
            the infrared clusters and both modalities have one memory; 1 for never.
        shared_weight: weight of all terms of neighbours from then on.
    """

    shared_from: Moment = 1.0
    shared_weight: float = Field(0.1, ge=0)


@dataclass(frozen=True)
class BaselineStage(BranchContrastStage):
    """The clusters of each modality by all branches together, then labels by collaborative ranking."""

    name: ClassVar[str] = "baseline"
    params: BaselineParams

    def neighbour_weights(self, epoch: Epoch) -> tuple[float, float]:
        """The weights of the terms of neighbours in an epoch, within the modalities and across them."""
        shared = epoch.is_past(self.params.shared_from)
        return (self.params.shared_weight,) * 2 if shared else super().neighbour_weights(epoch)

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters of each modality by all branches together; prototypes and slots of each branch."""
        if not epoch.is_past(self.params.shared_from):
            return own_targets(features.means(), self.context)
        return shared_targets(
            features.means(),
            self.context,
            self.params,
            advice=f"lower method.baseline.ranking = {self.params.ranking}, begin later by "
            "method.baseline.shared_from",
        )
