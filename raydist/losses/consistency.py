"""One identity under several interventions: losses that compare the predictions made from versions of a clip.

All of them read logits [..., B, C] as `raydist.losses.contrastive.instance_logits` gives them: the own class
in column 0, minus infinity where a class is not admissible for a row; `columns` are those that it was given.
Softmax and logarithms are taken in float32 or better.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from raydist.losses.columns import WHOLE, Columns, log_softmax, log_sum_exp
from raydist.losses.contrastive import own_logit


def surprisal(logits: Tensor, columns: Columns = WHOLE) -> Tensor:
    """The cross-entropy of every row by itself: -log p(own class).

    Args:
        logits: [..., C], own class first.

    Returns:
        [...], in nats.

    >>> surprisal(torch.tensor([[0.0, 0.0], [0.0, -torch.inf]])).round(decimals=4)
    tensor([0.6931, 0.0000])
    """
    logits = _precise(logits)
    return log_sum_exp(logits, columns) - own_logit(logits, columns)


def adjusted_loss(logits: Tensor, columns: Columns = WHOLE) -> Tensor:
    """Cross-entropy of the prediction adjusted for what was intervened on.

    Backdoor adjustment with equally likely interventions (Pearl, Causality, 2009, section 3.3): p = mean_a
    p_a, and the loss is the mean over the rows of -log p(own class). It asks that the versions *together*
    find the class.

    Args:
        logits: [A, B, C], own class first; A >= 1 versions.

    Returns:
        A scalar; zero, still with a graph, for an empty batch.

    >>> sure, lost = [0.0, -torch.inf], [0.0, math.log(3)]  # p = 1 and 1/4, together 5/8
    >>> round(float(adjusted_loss(torch.tensor([[sure], [lost]])).exp()), 4)
    1.6
    """
    return _mean(math.log(len(logits)) - torch.logsumexp(-surprisal(logits, columns), dim=0))


def invariance_loss(logits: Tensor, columns: Columns = WHOLE) -> Tensor:
    """How much the cross-entropy of a row changes with the intervention: its variance over the versions.

    Args:
        logits: [A, B, C], own class first; A >= 1 versions.

    Returns:
        A scalar, the mean over the rows; zero, still with a graph, for an empty batch.
    """
    losses = surprisal(logits, columns)
    return _mean((losses - losses.mean(dim=0)).square().mean(dim=0))


def consistency_loss(original: Tensor, clip_views: Tensor, columns: Columns = WHOLE) -> Tensor:
    """KL(p || q) from the original's prediction p, through which no gradient flows, to that of each version.

    Args:
        original: [B, C].
        clip_views: [A, B, C]; admissible wherever the original is.

    Returns:
        A scalar, the mean over versions and rows; zero, still with a graph, for an empty batch or no version.

    >>> round(float(consistency_loss(torch.zeros(1, 2), torch.tensor([[[0.0, math.log(3)]]]))), 4)
    0.1438
    """
    target = log_softmax(_precise(original.detach()), columns)
    gap = target - log_softmax(_precise(clip_views), columns)
    return _mean(columns.total((target.exp() * gap.masked_fill(target == -torch.inf, 0)).sum(dim=-1)))


def _precise(logits: Tensor) -> Tensor:
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _mean(values: Tensor) -> Tensor:
    """The mean, or zero where there is nothing."""
    return values.sum() / max(1, values.numel())
