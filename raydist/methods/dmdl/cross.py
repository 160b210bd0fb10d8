"""The second stage of DMDL: one label space for both modalities, and predictions adjusted for the modality (CAI)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from raydist.association.nearest import nearest_matching
from raydist.clustering.spec import ClusterSpec
from raydist.losses.adjustment import adjusted_contrast, logits_among
from raydist.losses.contrastive import cosine_logits, soft_cross_entropy
from raydist.memories.adaptive import update_by_trust
from raydist.memories.centroids import centroids, update_centroids
from raydist.memories.rows import group_means
from raydist.methods.common.clusters import (
    ModalityClusters,
    cluster_batches,
    cluster_modalities,
    tracklet_means,
)
from raydist.methods.dcl.method import own_labels
from raydist.methods.dmdl.batches import paired_batches
from raydist.methods.dmdl.views import Ramp, Side, ViewParams, ViewStage
from raydist.methods.method import Batch, Memories, Modules, OptimizerStep, Refresher, Targets
from raydist.methods.pgm.method import partners
from raydist.types import NOISE, Floats, Ints, Labels, Modality


class CrossParams(ViewParams):
    """Hyper-parameters of the contrast across.

    Attributes:
        weight: of the adjusted likelihood.
        finer: the share of its neighbours that is left to the modality that does not give the label space.
        paired_from: the share of the stage after which both modalities of a batch show the same classes.
    """

    triplet: Ramp = ((0.22, 0.5), (0.42, 1.0))
    top: int = 10
    exchange_from: float = 0.1
    weight: float = Field(0.5, ge=0)
    finer: float = Field(0.5, gt=0, le=1)
    paired_from: float = Field(0.8, ge=0, le=1)


@dataclass
class CrossStage(ViewStage):
    """See the module."""

    name: ClassVar[str] = "cross"
    params: CrossParams

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Clusters, the label space that the modality whose turn it is gives, and the memories in it."""
        means, space = tracklet_means(features), label_space(epoch)
        clustering = with_finer(self.context.clustering, space.other, self.params.finer)
        clusters = cluster_modalities(refresher, means, replace(self.context, clustering=clustering))
        return self.targets(means, unified_labels(means, clusters, space), clusters.of[space].num_clusters)

    def targets(self, means: Floats, labels: Mapping[Modality, Labels], num_classes: int) -> Targets:
        """The targets of labels in one space.

        Args:
            means: float32 [N, D] unit rows.
            labels: int64 [N] for each modality, NOISE on rows of the other.
            num_classes: K, all of which occur.
        """
        joint = np.maximum(*labels.values())
        counts = np.array(
            [np.bincount(of[of != NOISE], minlength=num_classes) for of in (labels[m] for m in Modality)]
        )
        of_both = centroids(torch.from_numpy(means), torch.from_numpy(joint), num_classes).numpy()
        confidence = self.confidence(means, joint, of_both)
        return Targets(
            joint,
            arrays={
                **{m.label: of for m, of in labels.items()},
                "assignment": labels[Modality.INFRARED],
                "confidence": confidence,
                "present": counts > 0,
                "shares": (counts.sum(axis=1) / counts.sum()).astype(np.float32),
            },
            memories={
                "joint": of_both,
                **{m.label: known_centroids(means, of, num_classes) for m, of in labels.items()},
            },
            metrics={
                "confidence": float(confidence[joint != NOISE].mean()),
                "shared_classes": float((counts > 0).all(axis=0).mean()),
            },
        )

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """One step a batch of P x K tracklets of each modality, two views each; late in the stage of the same P classes."""
        late = self.progress(epoch) >= self.params.paired_from

        def sample(iterations: int, rng: np.random.Generator) -> Ints:
            batches = paired_batches if late else cluster_batches
            return batches(own_labels(targets), self.context, iterations, rng)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            sides = self.sides(batch, targets)
            terms = self.likelihoods(sides, memories, targets, epoch) | self.view_terms(sides, epoch)
            return terms | ({"joint": self.triplet(sides)} if late else {})

        def update(batch: Batch, memories: Memories) -> None:
            self.move(self.sides(batch, targets), memories, epoch)

        return [OptimizerStep(sample, self.clip_views, loss, update, wants_raw=True)]

    def likelihoods(
        self, sides: Sequence[Side], memories: Memories, targets: Targets, epoch: int
    ) -> dict[str, Tensor]:
        """The contrast of each modality with its own prototypes, and the adjusted one with those of both."""
        device, temperature = memories["joint"].device, self.params.temperature
        present, shares = (
            torch.from_numpy(targets.arrays[name]).to(device) for name in ("present", "shares")
        )
        prototypes = torch.stack([memories[m.label] for m in Modality])
        intra, across = [], []
        for side in sides:
            features, own = side.every_feature, side.modality
            logits = logits_among(features, prototypes[own], present[own], temperature=temperature)
            intra.append(F.cross_entropy(logits, side.every_label))
            wanted = self.wanted(side, memories, epoch).flatten(0, 1)
            if self.parts.cai:
                across.append(
                    adjusted_contrast(features, wanted, prototypes, present, shares, temperature=temperature)
                )
            else:
                across.append(
                    soft_cross_entropy(
                        cosine_logits(features, memories["joint"], temperature=temperature), wanted
                    )
                )
        return {"intra": torch.stack(intra).sum(), "across": self.params.weight * torch.stack(across).sum()}

    def wanted(self, side: Side, memories: Memories, epoch: int) -> Tensor:
        """[2, B, K], the labels of both views, softened by the predictions that the memory of both modalities makes."""
        logits = cosine_logits(side.every_feature, memories["joint"], temperature=self.params.temperature)
        return self.soft_labels(side, logits.unflatten(0, side.features.shape[:2]), epoch)

    def move(self, sides: Sequence[Side], memories: Memories, epoch: int) -> None:
        """Move the memory of both modalities as far as labels are trusted; and each own one, that of the space by all clips."""
        wanted = torch.cat([self.wanted(side, memories, epoch).flatten(0, 1) for side in sides])
        features = torch.cat([side.every_feature for side in sides])
        labels = torch.cat([side.every_label for side in sides])
        trust = wanted.gather(1, labels[:, None])[:, 0]
        update_by_trust(memories["joint"], features, labels, trust, momentum=self.params.momentum)
        for side in sides:
            if side.modality == label_space(epoch):
                update_centroids(
                    memories[side.modality.label], features, labels, momentum=self.params.momentum
                )
            else:
                update_centroids(
                    memories[side.modality.label],
                    side.every_feature,
                    side.every_label,
                    momentum=self.params.momentum,
                )


def label_space(epoch: int) -> Modality:
    """The modality whose clusters are the classes of an epoch: infrared first, then by turns."""
    return Modality.INFRARED if epoch % 2 == 0 else Modality.VISIBLE


def with_finer(
    clustering: Mapping[Modality, ClusterSpec], modality: Modality, share: float
) -> dict[Modality, ClusterSpec]:
    """The clustering with fewer neighbours for one modality, which splits it into more clusters.

    >>> spec = ClusterSpec(k1=30)
    >>> found = with_finer(dict.fromkeys(Modality, spec), Modality.VISIBLE, 0.5)
    >>> [found[m].k1 for m in Modality]
    [15, 30]
    """
    spec = clustering[modality]
    fewer = {name: math.ceil(share * getattr(spec, name)) for name in ("k1", "k1_intra", "k1_inter")}
    return {**clustering, modality: replace(spec, **fewer)}


def unified_labels(features: Floats, clusters: ModalityClusters, space: Modality) -> dict[Modality, Labels]:
    """Labels of both modalities among the clusters of one: each cluster of the other takes the number of the nearest.

    Args:
        features: float32 [N, D] unit rows.
        clusters: of each modality.
        space: whose clusters are the classes.

    Returns:
        int64 [N] for each modality, NOISE on rows of the other.
    """
    matching = nearest_matching(*(clusters.centroids(features, m) for m in Modality))
    across = matching.visible_to_infrared if space == Modality.INFRARED else matching.infrared_to_visible
    labels = {m: clusters.labels(m) for m in Modality}
    return labels | {space.other: partners(labels[space.other], across)}


def known_centroids(features: Floats, labels: Labels, num_classes: int) -> Floats:
    """float32 [K, D]: the unit mean of each class that occurs; a row of zeros for the others."""
    classes, means = group_means(torch.from_numpy(features), torch.from_numpy(labels))
    found = torch.zeros(num_classes, features.shape[1])
    found[classes] = F.normalize(means)
    return found.numpy()
