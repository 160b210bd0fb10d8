"""The stage of DOTLA across the modalities: labels by optimal transport, and contrast with both memories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from raydist.memories.rules import update_prototypes
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.common.dual_contrast import DualContrastParams, dual_terms, update_dual
from raydist.methods.common.labels import clips_and_labels
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.dotla.assignment import AssignedArrays, AssignmentParams, assign
from raydist.methods.dotla.contrast_across import terms_across
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Stage, Targets
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Modality


class TransportParams(DualContrastParams, AssignmentParams):
    """Hyper-parameters of the contrast across.

    Attributes:
        weight: weight of the cross terms.
        beta: the share of the assigned label in its refinement by the neighbours; 1 for no refinement.
        consistency: weight of the regulariser KL(q || p); 0 leaves it out.
        cross_updates: whether clips also move the prototypes of the clusters that they are assigned to.
    """

    share: float = Field(1.25, ge=0)
    weight: float = Field(1.0, ge=0)
    beta: float = Field(0.5, ge=0, le=1)
    consistency: float = Field(0.1, ge=0)
    cross_updates: bool = True


@dataclass(frozen=True)
class TransportStage(Stage):
    """Dual contrast with terms across the modalities, in both directions at once."""

    name: ClassVar[str] = "transport"
    params: TransportParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters and centroids of each modality, the labels across, and those of the neighbours."""
        means = self.context.means(features)
        clusters = cluster_modalities(means, self.context)
        centroids = {m: clusters.centroids(means, m) for m in Modality}
        arrays = assign(features.means(), clusters, centroids, self.params)
        return Targets(
            clusters.joint,
            arrays.pack(),
            {m.label: values for m, values in centroids.items()},
            metrics=_metrics(arrays, centroids[Modality.VISIBLE].shape[0]),
            diagnosis=Diagnosis(assignment=arrays.assigned_from(Modality.INFRARED)),
        )

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """See the parameters."""
        return self.params.clip_views

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of P x K tracklets of each modality."""
        arrays, params, rule = AssignedArrays.of(targets), self.params, self.context.memory_rule

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            dual = dual_terms(batch, memories, arrays.own, temperature=params.temperature)
            across = terms_across(batch, memories, arrays, temperature=params.temperature, beta=params.beta)
            consistency = across.pop("consistency")
            weighted = {name: params.weight * term for name, term in across.items()}
            return dual | weighted | {"consistency": params.consistency * consistency}

        def update(batch: Batch, memories: Memories) -> None:
            if params.cross_updates:
                for m in Modality:
                    features, labels = clips_and_labels(batch, m, arrays.assigned_from(m))
                    update_prototypes(
                        memories[m.other.label], features, labels, momentum=params.momentum, rule=rule
                    )
            update_dual(batch, memories, arrays.own, momentum=params.momentum, rule=rule)

        sampler = partial(cluster_batches, arrays.own, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update)]


def _metrics(arrays: AssignedArrays, num_visible: int) -> dict[str, float]:
    """How much of a tracklet's neighbours agrees with its assignment, on the mean."""
    rows = np.flatnonzero(arrays.assigned != NOISE)
    first = np.where(arrays.visible[rows] == NOISE, 0, num_visible)
    agreement = arrays.neighbours[rows, arrays.assigned[rows] + first]
    return {"neighbour_agreement": float(np.mean(agreement))}
