"""The stages of BMIL: hybrid contrast within each modality, then also across by joint clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from raydist.clustering.quality import mixed_share, num_clusters
from raydist.clustering.spec import ClusterSpec
from raydist.losses.hybrid import hybrid_contrast
from raydist.losses.multi_positive import multi_positive_contrast
from raydist.memories.hybrid import halves, hybrid_memory, update_hybrid
from raydist.methods.bmil.clusters import cluster_part, draw_part, joint_spec, require_both, split_by_modality
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.clip_views import channel_views
from raydist.methods.common.dual_contrast import ContrastParams
from raydist.methods.common.labels import ClusterArrays, clips_and_labels, joint_labels
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Stage, Targets
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Floats, Ints, Labels, Modality


class HybridContrastParams(ContrastParams):
    """Hyper-parameters of the hybrid contrast.

    Attributes:
        momentum: mu, share of both old prototypes of a cluster at an update.
        margin: a cross-entropy with the mean prototypes below this counts as zero.
        infrared_jitter: whether infrared clips get the colour jitter too, as published in the first stage on
            SYSU-MM01.
    """

    momentum: float = Field(0.1, ge=0, le=1)
    margin: float = Field(0.2, ge=0)
    infrared_jitter: bool = False


class JointContrastParams(HybridContrastParams):
    """Hyper-parameters of the contrast by joint clusters.

    Attributes:
        contrast: ``split`` gives each modality of a joint cluster a proxy of its own, ``whole`` has one
            prototype for both, and ``none`` leaves joint clusters out.
        distance: of the joint clustering, a name of ``clustering.distance``.
        k1: of the joint clustering, in the place of ``clustering.k1``; None takes that.
        k2: of the joint clustering, in the place of ``clustering.k2``; None takes that.
        eps: of the joint clustering, in the place of ``clustering.eps``; None takes that.
        min_samples: of the joint clustering, in the place of ``clustering.min_samples``; None takes that.
        gate: of the joint clustering, as ``clustering.gate``: about the share of tracklets whose person the
            other modality never sees; None takes every neighbour.
        candidates: proxies that a clip is compared with, its positives and the hardest others.
    """

    share: float = Field(2.0, ge=0)
    contrast: Literal["split", "whole", "none"] = "split"
    distance: str = "modality-aware"
    k1: int | None = Field(None, ge=1)
    k2: int | None = Field(None, ge=1)
    eps: float | None = Field(None, gt=0, le=1)
    min_samples: int | None = Field(None, ge=1)
    gate: float | None = None
    candidates: int = Field(50, ge=len(Modality))

    @model_validator(mode="after")
    def _the_gate_fits_the_distance(self) -> JointContrastParams:
        ClusterSpec(self.distance, gate=self.gate)
        return self


@dataclass(frozen=True, kw_only=True)
class JointArrays(ClusterArrays):
    """The clusters of each modality by itself, and the proxies of the joint clusters.

    Attributes:
        proxies: int64 [N], the proxy of each row, NOISE for none.
        cluster: int64 [P], the joint cluster of each proxy.
    """

    proxies: Labels
    cluster: Ints


@dataclass(frozen=True)
class HybridContrastStage(Stage):
    """Two prototypes a cluster, on clusters of all infrared and a part of the visible tracklets.

    Attributes:
        subset: the share of the visible tracklets that is drawn anew each epoch.
    """

    name: ClassVar[str] = "hybrid-contrast"
    params: HybridContrastParams
    subset: float

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters of each modality and their prototypes."""
        means = self.context.means(features)
        visible, infrared = (self.context.rows(m) for m in Modality)
        rows = {Modality.VISIBLE: draw_part(visible, self.subset, rng), Modality.INFRARED: infrared}
        labels = {
            m: cluster_part(means, rows[m], self.context.clustering[m], num_rows=len(means), what=m.label)
            for m in Modality
        }
        arrays = ClusterArrays(visible=labels[Modality.VISIBLE], infrared=labels[Modality.INFRARED])
        return Targets(
            joint_labels(labels),
            arrays.pack(),
            memories={m.label: prototypes(means, labels[m]) for m in Modality},
            clustered=mask_of(np.concatenate(list(rows.values())), len(means)),
        )

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on clusters of each modality; both prototypes of a cluster move by all its clips."""
        own = ClusterArrays.of(targets).own

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return {
                m.label: self.hybrid_term(clips_and_labels(batch, m, own[m]), memories[m.label])
                for m in Modality
            }

        def update(batch: Batch, memories: Memories) -> None:
            for m in Modality:
                clips = clips_and_labels(batch, m, own[m])
                update_hybrid(memories[m.label], *clips, momentum=self.params.momentum)

        return [OptimizerStep(partial(cluster_batches, own, self.context), self.clip_views, loss, update)]

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """Two views of visible clips, the second without their colours, and one of infrared clips."""
        return channel_views("both" if self.params.infrared_jitter else "visible")

    def hybrid_term(self, clips: tuple[Tensor, Tensor], memory: Tensor) -> Tensor:
        """H: the hybrid contrast of clips [M, D] with prototypes of their labels [M]; NOISE is left out."""
        params = self.params
        return hybrid_contrast(*clips, *halves(memory), temperature=params.temperature, margin=params.margin)


@dataclass(frozen=True)
class JointContrastStage(HybridContrastStage):
    """The hybrid step, and then a step of its own for clusters of both modalities; see the method."""

    name: ClassVar[str] = "joint-contrast"
    params: JointContrastParams

    def __post_init__(self) -> None:
        _ = self.spec  # refuses what does not fit, before anything is trained

    @cached_property
    def spec(self) -> ClusterSpec:
        """How both modalities are clustered together."""
        given = self.params.model_dump(include={"distance", "k1", "k2", "eps", "min_samples", "gate"})
        return joint_spec(self.context.clustering, given)

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """The hybrid targets, and joint clusters of the other visible tracklets and all infrared ones."""
        targets = super().refresh(features, previous, epoch, rng)
        if self.params.contrast == "none":
            return targets
        modality = self.context.tracklets.modality
        clustered = self._joint_part(targets.clustered_rows)
        labels = cluster_part(
            self.context.means(features),
            np.flatnonzero(clustered),
            self.spec,
            num_rows=len(features),
            what="both modalities together",
            section="method.joint",
        )
        require_both(labels, modality)
        if self.params.contrast == "split":
            proxies, cluster = split_by_modality(labels, modality)
        else:
            proxies, cluster = labels, np.arange(num_clusters(labels))
        own = ClusterArrays.of(targets)
        arrays = JointArrays(visible=own.visible, infrared=own.infrared, proxies=proxies, cluster=cluster)
        return Targets(
            labels,
            arrays.pack(),
            memories={**targets.memories, "joint": prototypes(self.context.means(features), proxies)},
            metrics={
                "joint_clusters": num_clusters(labels),
                "joint_mixed": mixed_share(labels, modality),
                "joint_prototypes": len(cluster),
            },
            clustered=clustered,
            diagnosis=Diagnosis(assignment=np.where(modality == Modality.INFRARED, labels, NOISE)),
        )

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """The hybrid step within the modalities, then the joint one."""
        within = super().optimizer_steps(targets, epoch)
        return within if self.params.contrast == "none" else [*within, self._joint_step(targets)]

    def _joint_step(self, targets: Targets) -> OptimizerStep:
        arrays, modality = JointArrays.of(targets), self.context.tracklets.modality
        labels = {m: np.where(modality == m, arrays.proxies, NOISE) for m in Modality}
        cluster = torch.from_numpy(arrays.cluster)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            clips = [clips_and_labels(batch, m, labels[m]) for m in Modality]
            terms = [self._joint_term(each, memories["joint"], cluster) for each in clips]
            return {"joint": torch.stack(terms).mean()}

        def update(batch: Batch, memories: Memories) -> None:
            for m in Modality:  # the visible clips act first
                clips = clips_and_labels(batch, m, labels[m])
                update_hybrid(memories["joint"], *clips, momentum=self.params.momentum)

        return OptimizerStep(partial(cluster_batches, labels, self.context), self.clip_views, loss, update)

    def _joint_part(self, clustered: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """All infrared tracklets, and the visible ones that were not clustered before, or all if all were."""
        visible = self.context.tracklets.modality == Modality.VISIBLE
        others = visible & ~clustered
        return ~visible | (others if others.any() else visible)

    def _joint_term(self, clips: tuple[Tensor, Tensor], memory: Tensor, cluster: Tensor) -> Tensor:
        """A: the contrast of one modality's clips with the proxies of their clusters; `cluster` is [P]."""
        if self.params.contrast == "whole":
            return self.hybrid_term(clips, memory)
        features, own = clips
        cluster, params = cluster.to(own.device), self.params
        positives = (cluster[own][:, None] == cluster) & (own != NOISE)[:, None]
        terms = [
            multi_positive_contrast(
                features, positives, half, temperature=params.temperature, num_candidates=params.candidates
            )
            for half in halves(memory)
        ]
        return torch.stack(terms).mean()


def mask_of(rows: Ints, num_rows: int) -> NDArray[np.bool_]:
    """bool [N]: true at the given rows."""
    mask = np.zeros(num_rows, bool)
    mask[rows] = True
    return mask


def prototypes(means: EpochFeatures, labels: Labels) -> Floats:
    """float32 [2C, D]: the hybrid memory that an epoch begins with."""
    return hybrid_memory(means.centroids(labels, num_clusters(labels)))
