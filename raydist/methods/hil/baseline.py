"""The first stage of HIL: SDCL on the clusters of each modality, and late on labels that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.random import Generator
from pydantic import Field

from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.common.labels import ClusterArrays
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.hil.branches import branch_tables, joined_branches
from raydist.methods.hil.contrast import SHARED, BranchContrastParams, BranchContrastStage
from raydist.methods.hil.prototypes import prototypes
from raydist.methods.hil.transmission import rank
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch, Moment
from raydist.types import NOISE, Floats, Modality


class BaselineParams(BranchContrastParams):
    """Hyper-parameters of the baseline.

    Attributes:
        shared_from: the share of the stage, or ``epoch N``, from which on visible tracklets take labels of
            the infrared clusters and both modalities have one memory; 1 for never.
        shared_weight: weight of all terms of neighbours from then on.
        ranking: how many infrared tracklets a visible one looks at for its label.
        voters: how many visible tracklets, itself among them, vote for it then.
    """

    shared_from: Moment = 1.0
    shared_weight: float = Field(0.1, ge=0)
    ranking: int = Field(20, ge=1)
    voters: int = Field(5, ge=1)


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
        means, params = features.means(), self.params
        clusters = cluster_modalities(means, self.context)
        branches = branch_tables(means, self.context.num_branches)
        own, slots = clusters.arrays.own, self.new_slots(branches)
        memories: dict[str, Floats] = {}
        if not epoch.is_past(params.shared_from):
            for modality, labels in own.items():
                memories |= prototypes(modality.label, branches, labels)
            return Targets(clusters.joint, clusters.arrays.pack(), memories, slots=slots)
        received = rank(
            branches,
            joined_branches(means, self.context.num_branches),
            clusters,
            num_neighbours=params.ranking,
            num_voters=params.voters,
        )
        infrared = own[Modality.INFRARED]
        memories |= prototypes(SHARED, branches, np.maximum(received, infrared))
        clustered = own[Modality.VISIBLE] != NOISE
        visible = np.where(clustered, received, NOISE)
        return Targets(
            np.maximum(visible, infrared),
            ClusterArrays(visible=visible, infrared=infrared).pack(),
            memories,
            slots=slots,
            metrics={"selected": float((visible != NOISE).sum() / clustered.sum())},
            diagnosis=Diagnosis(assignment=infrared, labels_before=clusters.joint),
        )
