"""The instance memory: one slot a tracklet (the warm-up of CBA, the tracklet prototypes of HiTPro)."""

from __future__ import annotations

import torch
from torch import Tensor

from raydist.memories.rows import group_means, move_rows, unit_rows_like


@torch.no_grad()
def update_slots(slots: Tensor, rows: Tensor, features: Tensor, *, momentum: float) -> None:
    """Move the slots of a batch towards its features.

    T_i <- norm(momentum T_i + (1 - momentum) mean x of tracklet i).

    Call it after a successful optimizer step.

    Args:
        slots: [N, D] unit rows, changed in place.
        rows: int64 [B], the tracklet of each feature; several features of one are averaged first.
        features: [B, D], of any length; their directions x count.
        momentum: share of the old slot, 0 to 1.

    >>> slots = torch.eye(2)
    >>> update_slots(slots, torch.tensor([0]), torch.tensor([[0.0, 3.0]]), momentum=0.0)
    >>> slots
    tensor([[0., 1.],
            [0., 1.]])
    """
    tracklets, means = group_means(unit_rows_like(features, slots), rows)
    move_rows(slots, tracklets, means, momentum=momentum)
