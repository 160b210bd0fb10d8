"""Tracklet warm-up: each tracklet its own class, so that an encoder without pretrained weights can start at all.

The core of the first stage of CBA (Causal Bootstrapped Alignment, arXiv 2604.15631), as a stage that every method can begin
with. Two clips of a tracklet, of different frames and in different tones, must both find the tracklet's slot among
the tracklets of the same modality and camera; so neither camera nor modality can be used to tell tracklets apart.
Tracklets that are as similar to each other as the pieces of one tracklet are (likely cuts of one pass) are not
negatives of each other.

===================  =============================================
equation             function
===================  =============================================
slots T_i            `WarmUp.refresh`, `update_slots`
p_i over own view    `instance_contrast`
ignore graph G       `raydist.association.ignore_graph`
===================  =============================================

Deviations: the loss is the mean of the versions' cross-entropies, not the adjusted mixture over four versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from raydist.association.ignore_graph import ignore_graph
from raydist.config import Section
from raydist.data.samplers import tracklet_batches
from raydist.data.transforms.augment import TONES_INFRARED, TONES_VISIBLE
from raydist.losses.contrastive import instance_contrast
from raydist.memories.instances import update_slots
from raydist.methods.common.clusters import cluster_modalities, tracklet_means
from raydist.methods.method import (
    Batch,
    ClipView,
    Memories,
    MethodContext,
    Modules,
    OptimizerStep,
    Refresher,
    Stage,
    Targets,
)
from raydist.types import NOISE, Floats, Ints, Modality

TONES = {Modality.VISIBLE: TONES_VISIBLE, Modality.INFRARED: TONES_INFRARED}


class WarmUpParams(Section):
    """Hyper-parameters of the warm-up.

    Attributes:
        share: of the epochs; 0 leaves the warm-up out, for encoders that start from published weights.
    """

    old_names: ClassVar[Mapping[str, str]] = {"keep": "momentum"}

    share: float = Field(3.0, ge=0)
    temperature: float = Field(0.07, gt=0)
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.8
    ignore_from: int = Field(2, ge=0)
    ignore_top: int = Field(3, ge=1)
    ignore_slack: float = Field(0.3, ge=0, le=1)


@dataclass
class WarmUp(Stage):
    """See the module.

    Attributes:
        context: the tracklets and the batch.
        params: hyper-parameters.
        clusters: whether clusters are made for the log; nothing is learned from them.
        ignore: whether there is an ignore graph at all.
    """

    name: ClassVar[str] = "warm-up"
    context: MethodContext
    params: WarmUpParams
    clusters: bool = True
    ignore: bool = True

    def __post_init__(self) -> None:
        self.share = self.params.share

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Slots at the tracklets' means, and the ignore graph."""
        means = tracklet_means(features)
        wanted = self.ignore and epoch >= self.params.ignore_from
        ignored = likely_pieces(features, self.context.tracklets.view, self.params, wanted=wanted)
        labels = np.full(len(means), NOISE)
        if self.clusters:
            labels = cluster_modalities(refresher, means, self.context, relax=False).joint
        return Targets(labels, {"ignored": ignored}, {"slots": means}, {"ignored_pairs": ignored.nnz / 2})

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """One step a batch of tracklets, two versions each."""
        views, ignored = torch.from_numpy(self.context.tracklets.view), targets.arrays["ignored"]
        assert isinstance(ignored, csr_array)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            admissible = negatives_of_own_view(batch.rows, views, ignored)
            terms = [
                instance_contrast(
                    f, batch.rows, memories["slots"], admissible, temperature=self.params.temperature
                )
                for f in batch.features
            ]
            return {"tracklet": torch.stack(terms).mean()}

        def update(batch: Batch, memories: Memories) -> None:
            update_slots(memories["slots"], batch.rows, batch.features[0], momentum=self.params.momentum)

        clip_views = [ClipView(segment=0), ClipView(augment=TONES, segment=1)]
        return [OptimizerStep(partial(tracklets_of_both, self.context), clip_views, loss, update)]


def likely_pieces(features: Floats, view: Ints, params: WarmUpParams, *, wanted: bool) -> csr_array:
    """The ignore graph as a stage's parameters want it.

    Args:
        features: float32 [N, K, D], sub-tracklet features.
        view: int64 [N].
        params: how strictly.
        wanted: False gives an empty graph, for the first epochs, when features mean nothing yet.

    Returns:
        Boolean CSR [N, N].
    """
    if not wanted:
        return csr_array((len(features), len(features)), dtype=bool)
    return ignore_graph(features, view, top=params.ignore_top, slack=params.ignore_slack)


def negatives_of_own_view(rows: Tensor, views: Tensor, ignored: csr_array) -> Tensor:
    """The tracklets that each one of a batch is told apart from: those of its view that are not ignored.

    Args:
        rows: int64 [B].
        views: int64 [N].
        ignored: boolean CSR [N, N].

    Returns:
        bool [B, N], on the device of the rows.
    """
    chosen = rows.cpu()
    return ((views[chosen][:, None] == views) & ~torch.from_numpy(ignored[chosen.numpy()].toarray())).to(
        rows.device
    )


def tracklets_of_both(context: MethodContext, iterations: int, rng: np.random.Generator) -> Ints:
    """As many visible as infrared tracklets in every batch, from several views.

    Returns:
        int64 [iterations, 2 P K], the visible half first.
    """
    half = context.num_identities * context.num_instances
    parts = []
    for modality in Modality:
        rows = context.rows(modality)
        parts.append(
            rows[tracklet_batches(context.tracklets.view[rows], batch=half, iterations=iterations, rng=rng)]
        )
    return np.concatenate(parts, axis=1)
