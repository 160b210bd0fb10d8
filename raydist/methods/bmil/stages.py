"""The stages of BMIL after the warm-up: hybrid contrast within each modality, then also across by joint clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from raydist.clustering.quality import mixed_share, num_clusters
from raydist.data.transforms.augment import BASIC, CHANNEL_ADAPTIVE_GREY, JITTERED_EXCHANGE
from raydist.losses.hybrid import hybrid_contrast
from raydist.losses.multi_positive import multi_positive_contrast
from raydist.memories.hybrid import halves, hybrid_memory, update_hybrid
from raydist.methods.bmil.clusters import cluster_part, draw_part, joint_spec, require_both, split_by_modality
from raydist.methods.common.clusters import cluster_batches, tracklet_means
from raydist.methods.dcl.method import DualContrastParams, DualContrastStage, at, own_labels
from raydist.methods.method import Batch, ClipView, Memories, Modules, OptimizerStep, Refresher, Targets
from raydist.neighbours.jaccard.distances import DistanceName, DistanceSpec
from raydist.types import NOISE, Floats, Ints, Labels, Modality

VERSIONS = [
    ClipView(augment={Modality.VISIBLE: visible, Modality.INFRARED: CHANNEL_ADAPTIVE_GREY})
    for visible in (BASIC, JITTERED_EXCHANGE)
]


class HybridContrastParams(DualContrastParams):
    """Hyper-parameters of the hybrid contrast.

    Attributes:
        momentum: mu, what a step leaves of both prototypes of a cluster.
        margin: a cross-entropy with the mean prototypes below this is good enough.
    """

    momentum: float = Field(0.1, ge=0, le=1)
    margin: float = Field(0.2, ge=0)


class JointContrastParams(HybridContrastParams):
    """Hyper-parameters of the contrast by joint clusters.

    Attributes:
        contrast: ``split`` gives each modality of a joint cluster a proxy of its own, ``whole`` has one prototype for both,
            and ``none`` leaves joint clusters out.
        distance: of the joint clustering.
        k1, k2, eps, min_samples: of the joint clustering; None for those of ``clustering``.
        gate: see `raydist.neighbours.jaccard.distances.DistanceSpec`; wanted where many people are seen in one modality only.
        candidates: proxies that a clip is compared with, its positives and the hardest others.
    """

    share: float = Field(2.0, gt=0)
    contrast: Literal["split", "whole", "none"] = "split"
    distance: DistanceName = "modality-aware"
    k1: int | None = Field(None, ge=1)
    k2: int | None = Field(None, ge=1)
    eps: float | None = Field(None, gt=0, le=1)
    min_samples: int | None = Field(None, ge=1)
    gate: float | None = None
    candidates: int = Field(50, ge=len(Modality))

    @model_validator(mode="after")
    def _the_gate_fits_the_distance(self) -> JointContrastParams:
        DistanceSpec(self.distance, gate=self.gate)
        return self


@dataclass
class HybridContrastStage(DualContrastStage):
    """Dual contrast with two prototypes a cluster, on clusters of all infrared and a part of the visible tracklets.

    Attributes:
        context: the tracklets, the clustering and the batch.
        params: hyper-parameters.
        subset: the share of the visible tracklets that is drawn anew each epoch.
    """

    name: ClassVar[str] = "hybrid-contrast"
    params: HybridContrastParams
    subset: float

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Clusters of each modality and their prototypes."""
        means = tracklet_means(features)
        refresher.set_features(means)
        visible, infrared = (self.context.rows(m) for m in Modality)
        rows = {Modality.VISIBLE: draw_part(visible, self.subset, rng), Modality.INFRARED: infrared}
        labels = {
            m: cluster_part(refresher, rows[m], self.context.clustering[m], num_rows=len(means), what=m.label)
            for m in Modality
        }
        return Targets(
            numbered_together(labels),
            arrays={m.label: labels[m] for m in Modality}
            | {"clustered": among(np.concatenate(list(rows.values())), len(means))},
            memories={m.label: prototypes(means, labels[m]) for m in Modality},
        )

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """The dual step on the versions of the field; both prototypes of a cluster move by all of them."""
        labels = own_labels(targets)

        def update(batch: Batch, memories: Memories) -> None:
            for m in Modality:
                update_hybrid(
                    memories[m.label], *all_versions(batch, labels[m]), momentum=self.params.momentum
                )

        (step,) = super().optimizer_steps(targets, epoch)
        return [replace(step, clip_views=VERSIONS, update=update)]

    def terms(self, batch: Batch, memories: Memories, targets: Targets, epoch: int) -> dict[str, Tensor]:
        """The hybrid contrast of each modality with its own clusters."""
        labels = own_labels(targets)
        return {m.label: self.hybrid_term(batch, labels[m], memories[m.label]) for m in Modality}

    def hybrid_term(self, batch: Batch, labels: Labels, memory: Tensor) -> Tensor:
        """The hybrid contrast of all versions of a batch; rows of NOISE are left out."""
        features, of_rows = all_versions(batch, labels)
        params = self.params
        return hybrid_contrast(
            features, of_rows, *halves(memory), temperature=params.temperature, margin=params.margin
        )


@dataclass
class JointContrastStage(HybridContrastStage):
    """The hybrid step, and then a step of its own for clusters of both modalities; see the method."""

    name: ClassVar[str] = "joint-contrast"
    params: JointContrastParams

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.params.model_dump(include={"distance", "k1", "k2", "eps", "min_samples", "gate"})
        self.spec = joint_spec(self.context.clustering, given)

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """The hybrid targets, and joint clusters of the other visible tracklets and all infrared ones."""
        targets = super().refresh(features, previous, refresher, epoch, rng)
        if self.params.contrast == "none":
            return targets
        modality = self.context.tracklets.modality
        rows = np.flatnonzero(self._joint_part(np.asarray(targets.arrays["clustered"])))
        labels = cluster_part(
            refresher, rows, self.spec, num_rows=len(features), what="both modalities together"
        )
        require_both(labels, modality)
        split = self.params.contrast == "split"
        proxies, cluster = (
            split_by_modality(labels, modality) if split else (labels, np.arange(num_clusters(labels)))
        )
        metrics = {
            "clusters": num_clusters(labels),
            "mixed": mixed_share(labels, modality),
            "prototypes": len(cluster),
        }
        return Targets(
            labels,
            arrays={
                **targets.arrays,
                "clustered": among(rows, len(labels)),
                "proxies": proxies,
                "cluster": cluster,
            },
            memories={**targets.memories, "joint": prototypes(tracklet_means(features), proxies)},
            metrics={f"joint_{name}": value for name, value in metrics.items()},
        )

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """The hybrid step within the modalities, then the joint one."""
        within = super().optimizer_steps(targets, epoch)
        if self.params.contrast == "none":
            return within
        proxies, modality = np.asarray(targets.arrays["proxies"]), self.context.tracklets.modality
        labels = {m: np.where(modality == m, proxies, NOISE) for m in Modality}
        cluster = torch.from_numpy(np.asarray(targets.arrays["cluster"]))

        def sample(iterations: int, rng: np.random.Generator) -> Ints:
            return cluster_batches(labels, self.context, iterations, rng)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            terms = [self._joint_term(batch, labels[m], memories["joint"], cluster) for m in Modality]
            return {"joint": torch.stack(terms).mean()}

        def update(batch: Batch, memories: Memories) -> None:
            update_hybrid(memories["joint"], *all_versions(batch, proxies), momentum=self.params.momentum)

        return [*within, OptimizerStep(sample, VERSIONS, loss, update)]

    def _joint_part(self, clustered: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """All infrared tracklets, and the visible ones that were not clustered by themselves, or all if all were."""
        visible = self.context.tracklets.modality == Modality.VISIBLE
        others = visible & ~clustered
        return ~visible | (others if others.any() else visible)

    def _joint_term(self, batch: Batch, labels: Labels, memory: Tensor, cluster: Tensor) -> Tensor:
        """The contrast of one modality's clips with the proxies of their joint clusters; `cluster` [P] is that of each proxy."""
        if self.params.contrast == "whole":
            return self.hybrid_term(batch, labels, memory)
        features, own = all_versions(batch, labels)
        cluster, params = cluster.to(own.device), self.params
        positives = (cluster[own][:, None] == cluster) & (own != NOISE)[:, None]
        terms = [
            multi_positive_contrast(
                features, positives, half, temperature=params.temperature, num_candidates=params.candidates
            )
            for half in halves(memory)
        ]
        return torch.stack(terms).mean()


def numbered_together(labels: Mapping[Modality, Labels]) -> Labels:
    """int64 [N]: the clusters of both modalities, those of the infrared numbered after the visible ones.

    >>> numbered_together({Modality.VISIBLE: np.array([0, 1, -1]), Modality.INFRARED: np.array([-1, -1, 0])}).tolist()
    [0, 1, 2]
    """
    visible, infrared = (labels[m] for m in Modality)
    return np.maximum(visible, np.where(infrared == NOISE, NOISE, infrared + num_clusters(visible)))


def among(rows: Ints, num_rows: int) -> NDArray[np.bool_]:
    """bool [N]: which rows are among the given ones."""
    return np.isin(np.arange(num_rows), rows)


def prototypes(features: Floats, labels: Labels) -> Floats:
    """float32 [2C, D]: the hybrid memory that an epoch begins with."""
    return hybrid_memory(torch.from_numpy(features), torch.from_numpy(labels), num_clusters(labels)).numpy()


def all_versions(batch: Batch, labels: Labels) -> tuple[Tensor, Tensor]:
    """The clips of all V versions of a batch one after the other, [V * B, D], and the label of each, [V * B]."""
    return batch.features.flatten(0, 1), at(labels, batch.rows).repeat(len(batch.features))
