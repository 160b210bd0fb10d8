"""How far two predictions of the same clips are apart, each drawn to the other."""

from __future__ import annotations

from torch import Tensor

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

    >>> import torch
    >>> flat, steep = torch.zeros(1, 2), torch.tensor([[3.0, 1.0]]).log()
    >>> round(float(symmetric_divergence(flat, steep)), 4)
    0.1373
    """
    p, q = (logits.softmax(dim=1).clamp(min=LEAST) for logits in (first, second))
    return ((p - q) * (p.log() - q.log())).sum() / (2 * max(1, len(first)))
