"""The memory of the interventions: one slot a tracklet, or one a simultaneous pair."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from raydist.data.training_set import NO_GROUP, TrainingSet
from raydist.losses.contrastive import instance_logits
from raydist.methods.common.labels import at
from raydist.methods.common.warm_up import IgnoreArrays, WarmUpParams, likely_pieces
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Stage, Targets
from raydist.methods.slots import NewSlots, Slots
from raydist.methods.steps import Batch
from raydist.types import Ints


@dataclass(frozen=True)
class TrackletSlots:
    """The slot of the memory that a tracklet owns, and the camera views in which a slot has an owner.

    One slot a tracklet; where simultaneous pairs are given, the members of a pair share one, which is a slot
    of both their camera views.

    Attributes:
        slot: int64 [N], the slot of each tracklet, which has the number of its first owner.
        view: int64 [N], the camera view of each tracklet.
        in_view: bool [U, N], whether a slot has an owner in a camera view.
    """

    slot: Ints
    view: Ints
    in_view: NDArray[np.bool_]

    @classmethod
    def build(cls, tracklets: TrainingSet) -> TrackletSlots:
        """The slots of a training set."""
        rows, pair = np.arange(len(tracklets)), tracklets.pair
        # Numbers of pairs are below N: one from N on is that of a tracklet without a pair.
        owner = rows if pair is None else np.where(pair == NO_GROUP, rows + len(rows), pair)
        _, first, of_owner = np.unique(owner, return_index=True, return_inverse=True)
        slot = first[of_owner].astype(np.int64)
        in_view = np.zeros((tracklets.view.max() + 1, len(rows)), bool)
        in_view[tracklets.view, slot] = True
        return cls(slot, tracklets.view, in_view)

    def fill(self, means: EpochFeatures) -> NewSlots:
        """The slots of an epoch from the tracklets' unit features [N, 1, D]."""
        rows = np.arange(len(self.slot))
        second = np.flatnonzero(self.slot != rows)
        if not len(second):
            return NewSlots(means)
        shape = (len(rows), len(rows))
        members = csr_array((np.ones(len(second)), (self.slot[second], second)), shape=shape)
        return NewSlots(means.aggregated(members))

    def update(self, slots: Slots, batch: Batch, *, momentum: float) -> None:
        """Move the slots of a batch in place towards its first clip view, the original."""
        slots.move(at(self.slot, batch.rows), batch.features[0], momentum=momentum)

    def logits(self, batch: Batch, slots: Slots, ignored: csr_array, *, temperature: float) -> Tensor:
        """Logits of all clip views of a batch over the own slot and its negatives.

        Args:
            batch: A clip views of B tracklets.
            slots: unit rows, all or those here.
            ignored: bool [N, N], pairs of tracklets of one camera view that are not negatives of each other.
            temperature: > 0.

        Returns:
            [A, B, 1 + n], the own slot first, then every slot here that is a negative of some tracklet of the
            batch; minus infinity where it is not a negative of this one: its owners are of other camera
            views, or ignored. See `raydist.losses.contrastive.instance_logits`.
        """
        candidates, admissible = self._negatives(batch.rows.cpu().numpy(), ignored, slots.columns.span)
        num_views, device = len(batch.features), slots.table.device
        flat = instance_logits(
            batch.features.flatten(0, 1), at(self.slot, batch.rows).repeat(num_views), slots.table,
            torch.from_numpy(admissible).to(device).repeat(num_views, 1),
            temperature=temperature, candidates=torch.from_numpy(candidates).to(device),
            columns=slots.columns,
        )  # fmt: skip
        return flat.unflatten(0, (num_views, -1))

    def _negatives(self, rows: Ints, ignored: csr_array, span: slice) -> tuple[Ints, NDArray[np.bool_]]:
        """Which of the slots of a span are a negative of some row, [n], and of which rows, [B, n]."""
        first, stop, _ = span.indices(len(self.slot))
        admissible = self.in_view[:, span][self.view[rows]]
        row, other = ignored[rows].nonzero()
        slot = self.slot[other]
        inside = (slot >= first) & (slot < stop)
        admissible[row[inside], slot[inside] - first] = False
        candidates = np.flatnonzero(admissible.any(axis=0))
        return candidates, admissible[:, candidates]


@dataclass(frozen=True)
class SlotStage(Stage):
    """A stage with the memory of the interventions."""

    @cached_property
    def slots(self) -> TrackletSlots:
        """The slot of each tracklet."""
        return TrackletSlots.build(self.context.tracklets)


def with_slots(
    targets: Targets, features: EpochFeatures, slots: TrackletSlots, params: WarmUpParams, *, ignore: bool
) -> Targets:
    """Add to a stage's targets what the intervention terms need: the slots ``tracklets`` and `IgnoreArrays`.

    Args:
        targets: of the stage.
        features: [N, K, D], unit features of the sub-tracklets.
        slots: the slots of the tracklets.
        params: for the ignore graph.
        ignore: whether likely pieces of one pass are not negatives of each other; not before features mean
            something.
    """
    ignored = likely_pieces(features, slots.view, params, wanted=ignore)
    return replace(
        targets,
        arrays={**targets.arrays, **IgnoreArrays(ignored=ignored).pack()},
        slots={"tracklets": slots.fill(features.means())},
        metrics={**targets.metrics, "ignored_pairs": ignored.nnz / 2},
    )
