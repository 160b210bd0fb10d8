"""Batch-hard triplets.

Hermans et al., In Defense of the Triplet Loss for Person Re-Identification, 2017, Eq. (5).

Every row is an anchor once, with the farthest row of its own label and the nearest row of another. Distances
are Euclidean, of the features as they come. Rows of noise are left out, and so are anchors without a second
row of their label or without another label in the batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raydist.types import NOISE


def batch_hard_triplet(features: Tensor, labels: Tensor, *, margin: float) -> Tensor:
    """Hinge of the hardest triplets: mean of max(0, margin + d(a, p) - d(a, n)).

    Args:
        features: [B, D].
        labels: int64 [B].
        margin: in units of the distance.

    Returns:
        A scalar; zero, still with a graph, if the batch holds no triplet.

    >>> line = torch.tensor([[0.0], [1.0], [1.5]])
    >>> round(float(batch_hard_triplet(line, torch.tensor([0, 0, 1]), margin=0.3)), 4)
    0.4
    """
    return _mean(F.relu(margin + hardest_gaps(features, labels)), features)


def hardest_gaps(features: Tensor, labels: Tensor) -> Tensor:
    """Distance to the hardest positive less distance to the hardest negative.

    Args:
        features: [B, D].
        labels: int64 [B].

    Returns:
        [A], one value for each anchor that has both; positive where the ranking is wrong.
    """
    features, labels = features[labels != NOISE], labels[labels != NOISE]
    distance = torch.cdist(features, features)
    same = labels[:, None] == labels
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    anchors = (same & ~itself).any(dim=1) & (~same).any(dim=1)
    if not anchors.any():
        return features.new_zeros(0)
    positive = distance.masked_fill(~same | itself, -torch.inf)[anchors].amax(dim=1)
    negative = distance.masked_fill(same, torch.inf)[anchors].amin(dim=1)
    return positive - negative


def _mean(values: Tensor, features: Tensor) -> Tensor:
    """The mean, or a zero that depends on the features."""
    return values.mean() if len(values) else features.sum() * 0
