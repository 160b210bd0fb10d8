"""HiTPro: hierarchical temporal prototyping (arXiv 2604.21324): a prototype for every tracklet, no clusters, no hard labels.

The sub-tracklets of a tracklet make its prototype. Prototypes find positives in other cameras of their modality first, then,
averaged over these, in the other modality. Clips learn from prototypes at three levels, one after the other: they are told
apart inside a camera, drawn together between cameras, and drawn together between modalities.

==============================================================  ============================================================
equation                                                        function
==============================================================  ============================================================
a = softmax(w' tanh(W [f; f - mean]) + cos(f, mean))            `raydist.encoders.temporal.TemporalAttention`
p_i = norm(sum_k w_ik z_ik), w = softmax(z_ik . m_i / .1)       `raydist.methods.hitpro.prototyping.tracklet_prototypes`
rho_i, ignore graph G                                           `raydist.association.ignore_graph`
centred p_i = norm(p_i - mean of its view)                      `raydist.association.view_centring.centred`
mutual nearest pairs of two views                               `raydist.association.mutual_mining.mutual_pairs`
t_ab <- .5 t_ab + .5 (mean + kappa std)                         `raydist.association.mutual_mining.dynamic_thresholds`
W1_ij = sigmoid((s - t) / .1) (1/2 + 1/2 overlap of N(i), N(j)) `raydist.association.mutual_mining.soft_weights`
g_i = norm(p_i + sum_j W1_ij p_j)                               `raydist.association.propagation.aggregate`
W2 <- max(W2, W2 W1 / 2, W1 W2 / 2)                             `raydist.association.propagation.propagate`
W <- max(W, W G / group size)                                   `raydist.association.propagation.spread_to_groups`
L_1, also of single frames                                      `raydist.losses.contrastive.instance_contrast`
L_2, L_3                                                        `raydist.methods.hitpro.contrast.prototype_contrast`
alpha_2(e), alpha_3(e), kappa(e)                                `HierarchicalParams.alphas`, `HierarchicalParams.kappa`
p_i <- norm(.8 p_i + .2 z_i)                                    `raydist.memories.instances.update_slots`
==============================================================  ============================================================

Deviations: the paper's equations were not at hand; these were written to do what its abstract says.
A tracklet warm-up comes first (there are no pretrained weights to lean on); ``warm_up: null`` leaves it out.
Every tracklet has the same number of sub-tracklets, however short it is. The two frames told apart on their own are
picked by the batch, not drawn. Overlap of N(i) and N(j) across the modalities counts the positives of both minings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from scipy.sparse import csr_array
from torch import Tensor

from raydist.association.ignore_graph import self_consistency
from raydist.errors import ConfigError
from raydist.losses.contrastive import instance_contrast
from raydist.memories.instances import update_slots
from raydist.methods.common.warm_up import (
    TONES,
    WarmUp,
    WarmUpParams,
    likely_pieces,
    negatives_of_own_view,
    tracklets_of_both,
)
from raydist.methods.hitpro.alignment import Mining, Relations, align, threshold_figures, view_modality
from raydist.methods.hitpro.contrast import Level, frames_apart, prototype_contrast
from raydist.methods.hitpro.prototyping import tracklet_prototypes
from raydist.methods.method import (
    Batch,
    ClipView,
    Memories,
    Method,
    MethodContext,
    Modules,
    OptimizerStep,
    Params,
    Refresher,
    Stage,
    Targets,
)
from raydist.types import NOISE, Floats


class HierarchicalParams(WarmUpParams):
    """Hyper-parameters of the three levels; epochs are counted from 0 at the start of the stage.

    Attributes:
        within_from, across_from: E1 and E2, when the second and the third level begin.
        ramp: epochs in which a level rises to its weight.
        weight_within, weight_across, weight_frame: of the second and the third level, and of single frames.
        num_hard: negatives of a clip, the most similar ones.
        kappa_first, kappa_last: strictness of the thresholds at E1, and at its end.
        kappa_epochs: epochs from the one to the other.
        soft: weigh positives; otherwise each that was mined directly counts 1.
        votes: links between N(i) and N(j) that a link across the modalities needs, itself included.
        levels: how many of the three there are.
        tones: whether the second version of a clip is in other tones.
    """

    share: float = Field(12.0, gt=0)
    lr_factor: float = Field(1.0, gt=0)
    within_from: int = Field(5, ge=0)
    across_from: int = Field(15, ge=0)
    ramp: int = Field(3, ge=1)
    weight_within: float = Field(0.5, ge=0)
    weight_across: float = Field(0.5, ge=0)
    weight_frame: float = Field(0.2, ge=0)
    num_hard: int = Field(50, ge=0)
    kappa_first: float = 0.5
    kappa_last: float = -0.5
    kappa_epochs: int = Field(35, ge=1)
    soft: bool = True
    votes: int = Field(1, ge=1)
    levels: Literal[1, 2, 3] = 3
    tones: bool = True

    @model_validator(mode="after")
    def _modalities_come_second(self) -> HierarchicalParams:
        if self.across_from < self.within_from:
            raise ConfigError(
                f"across_from = {self.across_from} is before within_from = {self.within_from}: "
                "positives across the modalities are found by those within one; choose across_from >= within_from"
            )
        return self

    def reaches(self, level: int, epoch: int) -> bool:
        """Whether the second or third level has begun."""
        return self.levels >= level and epoch >= {2: self.within_from, 3: self.across_from}[level]

    def alpha(self, level: int, epoch: int) -> float:
        """The weight of the second or third level; it rises in equal steps.

        >>> [round(HierarchicalParams(within_from=1).alpha(2, epoch), 2) for epoch in range(5)]
        [0.0, 0.17, 0.33, 0.5, 0.5]
        """
        if not self.reaches(level, epoch):
            return 0.0
        begin, weight = {
            2: (self.within_from, self.weight_within),
            3: (self.across_from, self.weight_across),
        }[level]
        return weight * min(1.0, (epoch - begin + 1) / self.ramp)

    def kappa(self, epoch: int) -> float:
        """How strict the thresholds are: from `kappa_first` at E1 in a straight line to `kappa_last`."""
        done = min(1.0, max(0, epoch - self.within_from) / self.kappa_epochs)
        return self.kappa_first + done * (self.kappa_last - self.kappa_first)


@dataclass
class HierarchicalStage(Stage):
    """Prototypes, their relations, and the contrast with them at up to three levels; see the module.

    Attributes:
        context: the tracklets and the batch.
        params: hyper-parameters.
        ignore: whether there is an ignore graph at all.
    """

    name: ClassVar[str] = "hierarchical"
    context: MethodContext
    params: HierarchicalParams
    ignore: bool = True

    def __post_init__(self) -> None:
        self.share, self.lr_factor = self.params.share, self.params.lr_factor

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Prototypes, the ignore graph, and the positives of the levels that have begun; nothing is clustered."""
        prototypes = tracklet_prototypes(features)
        wanted = self.ignore and epoch >= self.params.ignore_from
        ignored = likely_pieces(features, self.context.tracklets.view, self.params, wanted=wanted)
        relations = self._relations(prototypes, previous, refresher, epoch).spread(ignored)
        arrays = {
            "ignored": ignored,
            "within": relations.within,
            "across": relations.across,
            "thresholds": relations.thresholds,
        }
        metrics = {"consistency": float(self_consistency(features).mean()), "ignored_pairs": ignored.nnz / 2}
        return Targets(
            np.full(len(features), NOISE),
            arrays,
            {"prototypes": prototypes},
            metrics | self._figures(relations, epoch),
        )

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """One step a batch of tracklets, two versions each."""

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return self._terms(batch, memories["prototypes"], ignored, levels)

        def update(batch: Batch, memories: Memories) -> None:
            update_slots(memories["prototypes"], batch.rows, batch.features[0], momentum=self.params.momentum)

        ignored, levels = _sparse(targets, "ignored"), self._levels(targets, epoch)
        second = ClipView(augment=TONES, segment=1) if self.params.tones else ClipView(segment=1)
        sample = partial(tracklets_of_both, self.context)
        return [
            OptimizerStep(
                sample, [ClipView(segment=0), second], loss, update, wants_frames=self.params.weight_frame > 0
            )
        ]

    def _relations(
        self, prototypes: Floats, previous: Targets | None, refresher: Refresher, epoch: int
    ) -> Relations:
        """The positives of this epoch, with thresholds that go on from those of the epoch before."""
        tracklets, params = self.context.tracklets, self.params
        none = Relations.none(len(tracklets), len(view_modality(tracklets)))
        if not params.reaches(2, epoch):
            return none
        before = {} if previous is None else previous.arrays
        thresholds = np.asarray(before.get("thresholds", none.thresholds))
        mining = Mining(params.kappa(epoch), soft=params.soft, votes=params.votes)
        return align(prototypes, tracklets, thresholds, refresher, mining, across=params.reaches(3, epoch))

    def _figures(self, relations: Relations, epoch: int) -> dict[str, float]:
        params = self.params
        return {
            "links_within": relations.within.nnz,
            "links_across": relations.across.nnz,
            "kappa": params.kappa(epoch),
            "alpha_within": params.alpha(2, epoch),
            "alpha_across": params.alpha(3, epoch),
        } | threshold_figures(relations.thresholds, self.context.tracklets)

    def _levels(self, targets: Targets, epoch: int) -> dict[str, tuple[float, Level]]:
        """The second and the third level with their weights, those that have begun."""
        view = torch.from_numpy(self.context.tracklets.view)
        modality = torch.from_numpy(view_modality(self.context.tracklets))
        across = modality[:, None] != modality
        opposed = {"within": ~across & ~torch.eye(len(modality), dtype=torch.bool), "across": across}
        ignored = _sparse(targets, "ignored")
        levels = {}
        for number, name in enumerate(("within", "across"), start=2):
            if (alpha := self.params.alpha(number, epoch)) > 0:
                levels[name] = (
                    alpha,
                    Level.of(_sparse(targets, name), ignored, view=view, opposed=opposed[name]),
                )
        return levels

    def _terms(
        self, batch: Batch, prototypes: Tensor, ignored: csr_array, levels: Mapping[str, tuple[float, Level]]
    ) -> dict[str, Tensor]:
        """The weighted terms of the loss, each the mean over the versions of the clips."""
        params, views = self.params, torch.from_numpy(self.context.tracklets.view)
        own_view = negatives_of_own_view(batch.rows, views, ignored)

        def told_apart(features: Sequence[Tensor]) -> Tensor:
            terms = [
                instance_contrast(f, batch.rows, prototypes, own_view, temperature=params.temperature)
                for f in features
            ]
            return torch.stack(terms).mean()

        terms = {"camera": told_apart(list(batch.features))}
        for name, (alpha, level) in levels.items():
            weights, negatives = level.at(batch.rows)
            drawn = [
                prototype_contrast(
                    f,
                    prototypes,
                    weights,
                    negatives,
                    temperature=params.temperature,
                    num_hard=params.num_hard,
                )
                for f in batch.features
            ]
            terms[name] = alpha * torch.stack(drawn).mean()
        if batch.frames is not None:
            chosen = frames_apart(batch.rows, batch.frames.shape[2])
            terms["frame"] = params.weight_frame * told_apart([f[:, t] for f in batch.frames for t in chosen])
        return terms


def _sparse(targets: Targets, name: str) -> csr_array:
    array = targets.arrays[name]
    assert isinstance(array, csr_array)
    return array


class HiTProParams(Params):
    """Hyper-parameters of HiTPro.

    Attributes:
        warm_up: None begins with the hierarchical stage.
        ignore: whether likely pieces of one pass are taken out of each other's negatives, in both stages.
    """

    name: Literal["hitpro"] = "hitpro"
    warm_up: WarmUpParams | None = WarmUpParams()
    hierarchical: HierarchicalParams = HierarchicalParams()
    ignore: bool = True


class HiTPro(Method):
    """HiTPro: the tracklet warm-up without its clusters, then the hierarchy; see the module."""

    Params = HiTProParams

    def stages(self) -> Sequence[Stage]:
        """Warm-up, if any, and the hierarchical stage."""
        warm_up, context, ignore = self.params.warm_up, self.context, self.params.ignore
        first = [] if warm_up is None else [WarmUp(context, warm_up, clusters=False, ignore=ignore)]
        return [*first, HierarchicalStage(context, self.params.hierarchical, ignore)]
