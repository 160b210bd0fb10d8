"""The second stage of DMDL: one label space for both modalities, predictions adjusted for the modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from raydist.losses.adjustment import adjusted_contrast, logits_among
from raydist.losses.contrastive import cosine_logits, soft_cross_entropy
from raydist.memories.adaptive import update_by_trust
from raydist.memories.rules import update_prototypes
from raydist.methods.common.batches import cluster_batches
from raydist.methods.common.clusters import cluster_modalities, with_finer
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.dmdl.batches import Pairing, paired_batches
from raydist.methods.dmdl.clips import ModalityClips, joined
from raydist.methods.dmdl.label_space import (
    PERIOD,
    label_space,
    labels_of_nearest,
    matches_samples,
    unified_labels,
)
from raydist.methods.dmdl.views import ViewArrays, ViewParams, ViewStage
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch, Moment, Ramp
from raydist.methods.steps import Batch, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Floats, Labels, Modality


class CrossParams(ViewParams):
    """Hyper-parameters of the contrast across.

    Attributes:
        weight: weight of the adjusted likelihood.
        finer: the share of its neighbours that is left to the modality that does not give the label space.
        sample_match: the places in five epochs, 0 to 4, in which labels are taken over sample by sample, and
            not cluster by cluster.
        paired_from: the share of the stage, or ``epoch N``, from which on both modalities of a batch show the
            same classes.
        pairing: which classes then have a place, those of either modality or those of both; where one lacks a
            class, it shows another one of its own.
        renormalise: whether features get unit length in this stage whatever ``clustering.renormalise`` says,
            as in the published stage on RegDB.
    """

    triplet: Ramp = ((0.22, 0.5), (0.42, 1.0))
    top: int = Field(10, ge=1)
    exchange_from: Moment = 0.1
    weight: float = Field(0.5, ge=0)
    finer: float = Field(0.5, gt=0, le=1)
    sample_match: tuple[Annotated[int, Field(ge=0, lt=PERIOD)], ...] = ()
    paired_from: Moment = 0.8
    pairing: Pairing = "union-filled"
    renormalise: bool = False


@dataclass(frozen=True, kw_only=True)
class CrossArrays(ViewArrays):
    """The labels of both modalities in one space of K classes.

    Attributes:
        present: bool [2, K], whether a modality has tracklets of a class.
        shares: float32 [2], pi_c, the share of each modality in the clustered tracklets.
    """

    present: NDArray[np.bool_]
    shares: Floats


@dataclass(frozen=True)
class CrossStage(ViewStage):
    """One label space for both modalities, and predictions adjusted for the modality (CAI)."""

    name: ClassVar[str] = "cross"
    params: CrossParams

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Clusters, the label space that the modality whose turn it is gives, and the memories in it."""
        renormalise = self.context.renormalise or self.params.renormalise
        means, space = features.means(renormalise=renormalise), label_space(epoch.index)
        clustering = with_finer(self.context.clustering, space.other, self.params.finer)
        clusters = cluster_modalities(means, replace(self.context, clustering=clustering))
        if matches_samples(epoch.index, self.params.sample_match):
            modality = self.context.tracklets.modality.astype(np.int64)
            labels = labels_of_nearest(clusters, means.nearest_in_views(modality)[0][:, space], space)
        else:
            labels = unified_labels(means, clusters, space)
        return self.targets(means, labels, clusters.of[space].num_clusters)

    def targets(self, means: EpochFeatures, labels: Mapping[Modality, Labels], num_classes: int) -> Targets:
        """The targets of labels in one space.

        Args:
            means: [N, 1, D].
            labels: int64 [N] for each modality, NOISE on rows of the other.
            num_classes: K, all of which occur.
        """
        visible, infrared = (labels[m] for m in Modality)
        joint = np.maximum(visible, infrared)
        counts = np.array([np.bincount(of[of != NOISE], minlength=num_classes) for of in (visible, infrared)])
        m_all = means.centroids(joint, num_classes)
        confidence = self.confidence(means, joint, m_all, np.arange(len(means)))
        arrays = CrossArrays(
            visible=visible,
            infrared=infrared,
            confidence=confidence,
            present=counts > 0,
            shares=(counts.sum(axis=1) / counts.sum()).astype(np.float32),
        )
        return Targets(
            joint,
            arrays.pack(),
            memories={
                "joint": m_all,
                **{m.label: means.group_means(of, num_classes) for m, of in labels.items()},
            },
            metrics={
                "confidence": float(confidence[joint != NOISE].mean()),
                "shared_classes": float((counts > 0).all(axis=0).mean()),
            },
            diagnosis=Diagnosis(assignment=infrared),
        )

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on P x K tracklets of each modality, two views each; late of the same P classes."""
        arrays, paired = CrossArrays.of(targets), epoch.is_past(self.params.paired_from)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            clips = self.split(batch, arrays)
            terms = self.likelihoods(clips, memories, arrays, epoch) | self.view_terms(clips, epoch)
            return terms | ({"joint": self.triplet(clips)} if paired else {})

        def update(batch: Batch, memories: Memories) -> None:
            self.update(self.split(batch, arrays), memories, epoch)

        batches = partial(paired_batches, self.params.pairing) if paired else cluster_batches
        sampler = partial(batches, arrays.own, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update, wants_raw=True)]

    def likelihoods(
        self, clips: Sequence[ModalityClips], memories: Memories, arrays: CrossArrays, epoch: Epoch
    ) -> dict[str, Tensor]:
        """The contrast of each modality with its own prototypes, and the adjusted one with those of both."""
        device, temperature = memories["joint"].device, self.params.temperature
        present, pi = torch.from_numpy(arrays.present).to(device), torch.from_numpy(arrays.shares).to(device)
        prototypes = torch.stack([memories[m.label] for m in Modality])
        intra, across = [], []
        for each in clips:
            x, own = each.all_features, each.modality
            logits = logits_among(x, prototypes[own], present[own], temperature=temperature)
            intra.append(F.cross_entropy(logits, each.all_labels))
            t = self.targets_of(each, memories, epoch).flatten(0, 1)
            if self.parts.cai:
                across.append(adjusted_contrast(x, t, prototypes, present, pi, temperature=temperature))
            else:
                logits = cosine_logits(x, memories["joint"], temperature=temperature)
                across.append(soft_cross_entropy(logits, t))
        return {"intra": torch.stack(intra).sum(), "across": self.params.weight * torch.stack(across).sum()}

    def targets_of(self, clips: ModalityClips, memories: Memories, epoch: Epoch) -> Tensor:
        """[2, B, K]: the labels of both views, softened by the predictions that M_all makes."""
        logits = cosine_logits(clips.all_features, memories["joint"], temperature=self.params.temperature)
        return self.soft_labels(clips, logits.unflatten(0, clips.features.shape[:2]), epoch)

    def update(self, clips: Sequence[ModalityClips], memories: Memories, epoch: Epoch) -> None:
        """Move M_all as far as labels are trusted, and M_V, M_I; that of the label space by all clips.

        In turn, the order counts: the infrared clips first for M_all, the visible ones for the others.
        """
        momentum, rule = self.params.momentum, self.context.memory_rule
        trust = [
            self.targets_of(each, memories, epoch).flatten(0, 1).gather(1, each.all_labels[:, None])[:, 0]
            for each in clips
        ]
        features, labels = joined(clips[::-1])
        update_by_trust(
            memories["joint"], features, labels, torch.cat(trust[::-1]), momentum=momentum, rule=rule
        )
        for each in clips:
            features, labels = joined(clips if each.modality == label_space(epoch.index) else [each])
            update_prototypes(memories[each.modality.label], features, labels, momentum=momentum, rule=rule)
