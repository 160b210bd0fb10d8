"""Soft targets that two views of a clip make for each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def top_predictions(logits: Tensor, *, top: int) -> Tensor:
    """Softmax over the largest logits of each row, zero elsewhere.

    Args:
        logits: [..., C].
        top: how many; all if there are fewer.

    Returns:
        [..., C], rows that sum to 1, without a graph.

    >>> top_predictions(torch.tensor([[0.0, 1.0, -5.0]]), top=2).round(decimals=4)
    tensor([[0.2689, 0.7311, 0.0000]])
    """
    values, places = logits.detach().topk(min(top, logits.shape[-1]), dim=-1)
    return torch.zeros_like(logits, requires_grad=False).scatter(-1, places, values.softmax(dim=-1))


def exchanged_targets(logits: Tensor, labels: Tensor, confidence: Tensor, *, top: int) -> Tensor:
    """Targets w onehot(y) + (1 - w) p, with p predicted by the *other* view among its top classes.

    CBT-label of DMDL (arXiv 2512.03745).

    Args:
        logits: [2, B, C] of two views.
        labels: int64 [B], y.
        confidence: [B], w, between 0 and 1.
        top: how many classes a prediction has.

    Returns:
        [2, B, C], rows that sum to 1, without a graph.

    >>> logits = torch.tensor([[[9.0, 0.0]], [[0.0, 9.0]]])
    >>> exchanged_targets(logits, torch.tensor([0]), torch.tensor([0.5]), top=1)
    tensor([[[0.5000, 0.5000]],
    <BLANKLINE>
            [[1.0000, 0.0000]]])
    """
    trust = confidence.to(logits.dtype)[:, None]
    hard = F.one_hot(labels, logits.shape[-1]).to(logits.dtype)
    return trust * hard + (1 - trust) * top_predictions(logits, top=top).flip(0)
