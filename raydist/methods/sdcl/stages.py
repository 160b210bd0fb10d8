"""The stages of SDCL: the clusters of each modality, then labels that both share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from numpy.random import Generator
from pydantic import Field

from raydist.methods.common.branch_contrast import BranchContrastParams, BranchContrastStage, own_targets
from raydist.methods.common.clusters import with_finer
from raydist.methods.common.ranked_labels import RankingParams, shared_targets
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch, Moment
from raydist.types import Modality


class OwnContrastParams(BranchContrastParams):
    """Hyper-parameters of the stage of each modality's own clusters."""

    share: float = Field(3.0, ge=0)
    lr_factor: float = Field(1.0, gt=0)
    slot_input: Literal["unit", "raw"] = "raw"
    neighbour_weight: float = Field(1.0, ge=0)
    across_weight: float | None = Field(0.5, ge=0)


class SharedContrastParams(RankingParams):
    """Hyper-parameters of the stage of shared labels.

    Attributes:
        finer: the share of its ranked neighbours (k1) that is left to the visible modality, whose clusters
            are the finer for it; 1 for all.
    """

    share: float = Field(2.0, ge=0)
    lr_factor: float = Field(0.1, gt=0)
    slot_input: Literal["unit", "raw"] = "raw"
    across_from: Moment = 0.0
    finer: float = Field(0.5, gt=0, le=1)


@dataclass(frozen=True)
class OwnContrastStage(BranchContrastStage):
    """The clusters of each modality by all branches together, with memories of their own."""

    name: ClassVar[str] = "own-contrast"
    params: OwnContrastParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters of each modality; prototypes and slots of each branch."""
        return own_targets(features.means(), self.context)


@dataclass(frozen=True)
class SharedContrastStage(BranchContrastStage):
    """Labels of the infrared clusters for both modalities, and one memory of prototypes a branch."""

    name: ClassVar[str] = "shared-contrast"
    params: SharedContrastParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters of each modality, the labels by ranking; shared prototypes and slots of each branch."""
        clustering = with_finer(self.context.clustering, Modality.VISIBLE, self.params.finer)
        return shared_targets(
            features.means(),
            replace(self.context, clustering=clustering),
            self.params,
            advice=f"lower method.shared.ranking = {self.params.ranking}, raise method.own.share",
        )
