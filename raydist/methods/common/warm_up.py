"""Tracklet warm-up: each tracklet is a class, so that an encoder can start without pretrained weights.

The core of the first stage of CBA (Causal Bootstrapped Alignment, arXiv 2604.15631), as a stage that every
method can begin with. Two clips of a tracklet, of different frames and in different tones, must both find the
tracklet's slot in the memory among the tracklets of the same camera view, so neither camera nor modality can
be used to tell tracklets apart. Tracklets that are as similar to each other as the pieces of one tracklet are
(likely cuts of one pass before a camera) are not negatives of each other.

===================  =============================================
equation             function
===================  =============================================
slots T_i            `WarmUp.refresh`, `Slots.move`
p_i over own view    `instance_contrast`
ignore graph G       `raydist.association.ignore_graph`
===================  =============================================

Deviations: the loss is the mean of the clip views' cross-entropies, not the adjusted mixture over four views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from raydist.association.ignore_graph import ignore_graph, means_of_units, self_consistency
from raydist.losses.columns import WHOLE, Columns
from raydist.losses.contrastive import instance_contrast
from raydist.methods.common.batches import tracklet_batches_of_both
from raydist.methods.common.clip_views import TONES
from raydist.methods.common.clusters import cluster_modalities
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Stage, StageParams, TargetArrays, Targets
from raydist.methods.schedule import Epoch
from raydist.methods.slots import NewSlots, Slots
from raydist.methods.steps import Batch, ClipView, Memories, Modules, OptimizerStep
from raydist.types import NOISE, Ints


class WarmUpParams(StageParams):
    """Hyper-parameters of the warm-up.

    Attributes:
        share: of the epochs, relative to the other stages; 0 leaves the warm-up out, for encoders that start
            from published weights.
        temperature: of the softmax over the slots.
        momentum: share of the old slot at an update.
        ignore_from: the epoch of the stage from which on likely pieces of one pass are ignored.
        ignore_top: how many of the nearest tracklets of its camera view may be pieces of the same pass as a
            tracklet.
        ignore_slack: how much less similar than the parts of one tracklet are to each other such pieces may
            be, as a share of that similarity.
    """

    old_names: ClassVar[Mapping[str, str]] = {"keep": "momentum"}
    has_slots: ClassVar[bool] = True

    share: float = Field(3.0, ge=0)
    temperature: float = Field(0.07, gt=0)
    momentum: float = Field(0.8, ge=0, le=1)
    ignore_from: int = Field(2, ge=0)
    ignore_top: int = Field(3, ge=1)
    ignore_slack: float = Field(0.3, ge=0, le=1)


@dataclass(frozen=True, kw_only=True)
class IgnoreArrays(TargetArrays):
    """The ignore graph of an epoch.

    Attributes:
        ignored: boolean CSR [N, N], pairs of tracklets that are not negatives of each other.
    """

    ignored: csr_array


@dataclass(frozen=True)
class WarmUp(Stage):
    """See the module.

    Attributes:
        params: hyper-parameters.
        clusters: whether clusters are made for the log; nothing is learned from them.
        ignore: whether there is an ignore graph at all.
    """

    name: ClassVar[str] = "warm-up"
    params: WarmUpParams
    clusters: bool = True
    ignore: bool = True

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """Two of different halves of the tracklet."""
        return CLIP_VIEWS

    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """Slots at the tracklets' means, and the ignore graph."""
        means = features.means()
        wanted = self.ignore and epoch.index >= self.params.ignore_from
        ignored = likely_pieces(features, self.context.tracklets.view, self.params, wanted=wanted)
        labels = np.full(len(means), NOISE)
        if self.clusters:
            labels = cluster_modalities(means, self.context, relax=False).joint
        return Targets(
            labels,
            IgnoreArrays(ignored=ignored).pack(),
            slots={"tracklets": NewSlots(means)},
            metrics={"ignored_pairs": ignored.nnz / 2},
        )

    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """One step on a batch of tracklets, two clip views each."""
        views, ignored = torch.tensor(self.context.tracklets.view), IgnoreArrays.of(targets).ignored
        temperature = self.params.temperature

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            slots = memories.slots["tracklets"]
            admissible = negatives_of_own_view(batch.rows, views, ignored, slots.columns)
            features = list(batch.features)
            return {"tracklet": tracklet_contrast(features, batch, slots, admissible, temperature)}

        def update(batch: Batch, memories: Memories) -> None:
            slots = memories.slots["tracklets"]
            slots.move(batch.rows, batch.features[0], momentum=self.params.momentum)

        sampler = partial(tracklet_batches_of_both, self.context)
        return [OptimizerStep(sampler, self.clip_views, loss, update)]


CLIP_VIEWS = (ClipView(sub_tracklet=0), ClipView(augment=TONES, sub_tracklet=1))
"""Two views that never share a frame, the second in other tones."""


def likely_pieces(features: EpochFeatures, view: Ints, params: WarmUpParams, *, wanted: bool) -> csr_array:
    """The ignore graph as a stage's parameters want it.

    Args:
        features: [N, K, D], sub-tracklet features, of which the directions count.
        view: int64 [N], camera views.
        params: how strictly.
        wanted: False gives an empty graph, for the first epochs, when features mean nothing yet.

    Returns:
        Boolean CSR [N, N].
    """
    if not wanted:
        return csr_array((len(features), len(features)), dtype=bool)
    nearest = features.derived(means_of_units).nearest_of_view(view, params.ignore_top)
    return ignore_graph(nearest, features.measure(self_consistency), slack=params.ignore_slack)


def tracklet_contrast(
    features: Sequence[Tensor], batch: Batch, slots: Slots, admissible: Tensor, temperature: float
) -> Tensor:
    """The mean over several features of every clip of a batch, such as those of its views.

    Args:
        features: [B, D] each.
        batch: whose clips they are of.
        slots: all or those here.
        admissible: bool [B, n], see `raydist.losses.contrastive.instance_contrast`.
        temperature: > 0.
    """
    terms = [
        instance_contrast(
            x, batch.rows, slots.table, admissible, temperature=temperature, columns=slots.columns
        )
        for x in features
    ]
    return torch.stack(terms).mean()


def negatives_of_own_view(
    rows: Tensor, views: Tensor, ignored: csr_array, columns: Columns = WHOLE
) -> Tensor:
    """The negatives of each tracklet of a batch: those of its camera view that are not ignored.

    Args:
        rows: int64 [B].
        views: int64 [N], camera views.
        ignored: boolean CSR [N, N].
        columns: which tracklets are asked about.

    Returns:
        bool [B, N], or [B, n] of the columns here, on the device of the rows.
    """
    chosen, span = rows.cpu(), columns.span
    same_view = views[chosen][:, None] == views[span]
    return (same_view & ~torch.from_numpy(ignored[chosen.numpy()][:, span].toarray())).to(rows.device)
