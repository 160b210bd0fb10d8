"""The second stage of ADCA: the dual contrast, with memories that are aggregated across the modalities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from numpy.random import Generator
from pydantic import Field

from raydist.association.progressive import ClusterMatching
from raydist.association.votes import greedy_matching
from raydist.memories.aggregation import blend_partners
from raydist.methods.common.dual_contrast import DualContrastParams, DualContrastStage, dual_targets
from raydist.methods.common.labels import ClusterArrays, partners
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch
from raydist.types import Floats, Modality


class AggregationParams(DualContrastParams):
    """Hyper-parameters of the dual contrast with aggregated memories.

    Attributes:
        threshold: from which similarity on a visible and an infrared tracklet vote for their clusters.
        blend: share of the partner's prototype in an aggregated one.
        two_way: whether infrared prototypes take from visible ones too, both from what they were before; the
            published code changes the visible ones alone.
        renormalise: whether aggregated prototypes get unit length again; the published ones are shorter until
            a sample moves them.
    """

    threshold: float = Field(0.5, ge=-1, le=1)
    blend: float = Field(0.9, ge=0, le=1)
    two_way: bool = False
    renormalise: bool = False


@dataclass(frozen=True)
class AggregationStage(DualContrastStage):
    """The dual contrast, whose memories begin every epoch near those of the other modality."""

    name: ClassVar[str] = "aggregation"
    params: AggregationParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """The dual targets, whose memories are aggregated over the pairs of clusters that the votes match."""
        means = self.context.means(features)
        targets = dual_targets(means, self.context)
        own = ClusterArrays.of(targets)
        votes = means.votes(own.visible, own.infrared, self.params.threshold)
        matching = greedy_matching(votes)
        return replace(
            targets,
            memories=self.aggregate(targets.memories, matching),
            metrics={"matched": float((matching.visible_to_infrared >= 0).sum())},
            diagnosis=Diagnosis(assignment=partners(own.infrared, matching.infrared_to_visible)),
        )

    def aggregate(self, memories: Mapping[str, Floats], matching: ClusterMatching) -> dict[str, Floats]:
        """The memories after the aggregation; those given stay as they are.

        Args:
            memories: ``visible`` float32 [C_v, D] and ``infrared`` [C_i, D], unit rows.
            matching: of their clusters.
        """
        visible, infrared = (memories[m.label] for m in Modality)
        blend, renormalise = self.params.blend, self.params.renormalise
        v2i, i2v = matching
        aggregated = {
            Modality.VISIBLE.label: blend_partners(
                visible, infrared, v2i, blend=blend, renormalise=renormalise
            ),
            Modality.INFRARED.label: infrared,
        }
        if self.params.two_way:
            aggregated[Modality.INFRARED.label] = blend_partners(
                infrared, visible, i2v, blend=blend, renormalise=renormalise
            )
        return aggregated
