"""The style of a clip's maps, their statistics channel by channel, given to another clip."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-5
"""Added to variances, as in batch normalisation."""

POSITIONS = (1, 3, 4)
"""Frames, rows and columns of maps [B, T, C, h, w]."""


def exchange_style(maps: Tensor, style: Tensor) -> Tensor:
    """Give clips the channel statistics of other clips: sigma_j (x - mu_i) / sigma_i + mu_j.

    Adaptive instance normalisation (Huang & Belongie, ICCV 2017, Eq. 8), with the statistics of a clip taken
    over all its frames and positions, so that its frames keep their differences. As an intervention on
    modality, the style comes from outside the clip: no gradient reaches the donor, whose own loss alone
    trains it. The clip's own statistics are not detached, since the result does not depend on them.

    Args:
        maps: [B T, C, h, w], clip after clip.
        style: int64 [B], for each clip the donor j of its style among the B; -1 or its own number leaves it
            as it is.

    Returns:
        Maps of the same shape and type. A channel that is constant over a clip becomes the donor's mean.

    >>> visible = torch.tensor([0.0, 2.0]).view(1, 1, 2, 1)
    >>> infrared = torch.tensor([5.0, 9.0]).view(1, 1, 2, 1)
    >>> exchange_style(torch.cat([visible, infrared]), torch.tensor([1, -1])).flatten(1).round().tolist()
    [[5.0, 9.0], [5.0, 9.0]]
    """
    itself = torch.arange(len(style), device=style.device)
    donor = torch.where(style < 0, itself, style)
    # half precision is too coarse for sums over a clip
    variance, mean = torch.var_mean(maps.unflatten(0, (len(style), -1)).float(), POSITIONS, correction=0)
    scale = torch.sqrt((variance.detach()[donor] + EPSILON) / (variance + EPSILON))
    # 1 (x - 0) + 0 leaves a clip's values and gradients exactly as they are
    own = (donor == itself).unsqueeze(1)
    terms = (
        torch.where(own, 1.0, scale),
        torch.where(own, 0.0, mean),
        torch.where(own, 0.0, mean.detach()[donor]),
    )
    scale, centre, target = (t.repeat_interleave(len(maps) // len(style), 0)[:, :, None, None] for t in terms)
    return (scale * (maps - centre) + target).to(maps.dtype)
