"""How far predictions are from each other, or from distributions that they should equal."""

from __future__ import annotations

import torch
from torch import Tensor

from raydist.losses.contrastive import soft_cross_entropy

LEAST = 1e-12
"""Probabilities are no smaller, so that logarithms are finite; none of them passes a gradient on then."""


def symmetric_divergence(first: Tensor, second: Tensor) -> Tensor:
    """(KL(p || q) + KL(q || p)) / 2 of two softmax predictions, the mean over the rows.

    As the consistency of MBCCM (arXiv 2305.12673) has it: gradients flow into both, and probabilities are cut
    off at `LEAST`.

    Args:
        first: [B, C] logits of p, over the temperature.
        second: [B, C] logits of q.

    Returns:
        A scalar >= 0; zero, still with a graph, for an empty batch.

    >>> flat, steep = torch.zeros(1, 2), torch.tensor([[3.0, 1.0]]).log()
    >>> round(float(symmetric_divergence(flat, steep)), 4)
    0.1373
    """
    p, q = (logits.softmax(dim=1).clamp(min=LEAST) for logits in (first, second))
    return ((p - q) * (p.log() - q.log())).sum() / (2 * max(1, len(first)))


def divergence_from_targets(logits: Tensor, targets: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """KL(q || p), p = softmax(z): sum_i w_i sum_c q_ic log(q_ic / p_ic) / sum_i w_i.

    Its gradient is that of the cross-entropy with the same targets; it is zero where predictions equal them.

    Args:
        logits: [B, C], finite, z.
        targets: [B, C] >= 0, q, rows that sum to 1.
        weights: [B] >= 0; None for equal ones.

    Returns:
        A scalar; zero, still with a graph, if the batch is empty or all weights are zero.

    >>> q = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    >>> round(float(divergence_from_targets(torch.zeros(2, 2), q)), 4)  # log(2) and 0
    0.3466
    """
    entropy = torch.special.entr(targets).sum(dim=1)
    weights = torch.ones_like(entropy) if weights is None else weights
    of_targets = (weights * entropy).sum() / weights.sum().clamp(min=torch.finfo(entropy.dtype).tiny)
    return soft_cross_entropy(logits, targets, weights=weights) - of_targets
