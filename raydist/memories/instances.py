"""The instance memory: one slot a tracklet.

The warm-up of CBA, the tracklet prototypes of HiTPro, the neighbours of SDCL and HIL.
"""

from __future__ import annotations

import torch
from torch import Tensor

from raydist.memories.rows import group_means, move_in_turn, move_rows, unit_rows_like
from raydist.memories.rules import MemoryRule


@torch.no_grad()
def update_slots(
    slots: Tensor,
    rows: Tensor,
    features: Tensor,
    *,
    momentum: float,
    rule: MemoryRule = "mean",
    unit: bool = True,
) -> None:
    """Move the slots of a batch towards its features.

    T_i <- norm(momentum T_i + (1 - momentum) mean x of tracklet i), or so for one x after the other.

    Call it after a successful optimizer step.

    Args:
        slots: [N, D] unit rows, changed in place.
        rows: int64 [B], the tracklet of each feature; several features of one are averaged first.
        features: [B, D], of any length.
        momentum: share of the old slot, 0 to 1.
        rule: whether the features of a tracklet act once by their mean, or one after the other.
        unit: whether x are the directions of features. Without, long features move a slot farther than
            `momentum` says: those of length 28 as under a momentum of 0.24 in the place of 0.9.

    >>> slots = torch.eye(2)
    >>> update_slots(slots, torch.tensor([0]), torch.tensor([[0.0, 3.0]]), momentum=0.0)
    >>> slots
    tensor([[0., 1.],
            [0., 1.]])
    """
    towards = unit_rows_like(features, slots) if unit else features.to(slots.dtype)
    if rule == "in-turn":
        move_in_turn(slots, towards, rows, momentum=momentum)
    else:
        move_rows(slots, *group_means(towards, rows), momentum=momentum)
