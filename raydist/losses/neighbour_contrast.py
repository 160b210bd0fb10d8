"""Contrast with near instances (SDCL; HIL, arXiv 2509.11587): each clip is drawn to similar slots."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from raydist.losses.columns import WHOLE, Columns, log_softmax
from raydist.losses.contrastive import cosine_logits


def near_slots(
    own: Sequence[Tensor], slots: Sequence[Tensor], *, ratio: float, columns: Columns = WHOLE
) -> Tensor:
    """Slots whose similarity exceeds a share of the largest one, in every branch: s_j > r max_k s_k.

    Args:
        own: [B, D] unit rows, one tensor a branch: the slots that neighbours are wanted of.
        slots: [N, D] unit rows, one tensor a branch: the slots that may be neighbours, an own one among them
            or not.
        ratio: r, 0 to 1.
        columns: which slots are in `slots`, where others are with other processes.

    Returns:
        bool [B, N]. Nothing is near where the largest similarity is not positive.

    >>> slots = torch.tensor([[1.0, 0.0], [0.96, 0.28], [0.0, 1.0]])
    >>> near_slots([slots[:1]], [slots], ratio=0.9).tolist()
    [[True, True, False]]
    """
    near = torch.ones(len(own[0]), len(slots[0]), dtype=torch.bool, device=own[0].device)
    for mine, of_branch in zip(own, slots, strict=True):
        similarity = mine @ of_branch.T
        near &= similarity > ratio * columns.largest(_row_maxima(similarity))
    return near


def _row_maxima(similarity: Tensor) -> Tensor:
    """[B, 1]: the largest cosine of each row [B, n]; the least there is where no slot is here."""
    if not similarity.shape[1]:
        return similarity.new_full((len(similarity), 1), -1)
    return similarity.amax(dim=1, keepdim=True)


def neighbour_contrast(
    features: Tensor, slots: Tensor, near: Tensor, *, temperature: float, columns: Columns = WHOLE
) -> Tensor:
    """Draw every clip to its near slots, against all slots: -sum_near log softmax(x.T_j / t) / (1 + |near|).

    Args:
        features: [B, D] of any length.
        slots: [N, D] unit rows.
        near: bool [B, N].
        temperature: t > 0.
        columns: which slots are in `slots`, where others are with other processes.

    Returns:
        A scalar, mean over the batch; zero, still with a graph, for an empty batch or if nothing is near.

    >>> near = torch.tensor([[True, False]])
    >>> loss = neighbour_contrast(torch.zeros(1, 2), torch.eye(2), near, temperature=1.0)
    >>> round(float(loss), 4)  # log(2) / 2
    0.3466
    """
    logits = cosine_logits(features, slots, temperature=temperature, columns=columns)
    surprise = -log_softmax(logits, columns).masked_fill(~near, 0).sum(dim=1)
    losses = columns.total(surprise) / (1 + columns.total(near.sum(dim=1)))
    return losses.sum() / max(1, len(losses))
