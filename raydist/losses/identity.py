"""The identity loss of the supervised ruler: cross-entropy with label smoothing (Szegedy et al., 2016)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from raydist.types import UNKNOWN_IDENTITY


def identity_loss(logits: Tensor, identities: Tensor, *, smoothing: float = 0.1) -> Tensor:
    """Cross-entropy with the target (1 - s) onehot(y) + s / C.

    Args:
        logits: [B, C] of a classifier.
        identities: int64 [B], classes from 0; rows of `UNKNOWN_IDENTITY` are left out.
        smoothing: s, 0 to 1.

    Returns:
        A scalar, mean over the rows; zero, still with a graph, if all are unknown.

    >>> import torch
    >>> round(float(identity_loss(torch.zeros(1, 2), torch.tensor([1]))), 4)
    0.6931
    """
    total = F.cross_entropy(
        logits, identities, ignore_index=UNKNOWN_IDENTITY, reduction="sum", label_smoothing=smoothing
    )
    return total / (identities != UNKNOWN_IDENTITY).sum().clamp(min=1)
