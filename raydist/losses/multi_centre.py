"""Multi-centre contrastive learning (MCCL) of HIL (arXiv 2509.11587).

A sample is drawn to all centres of one cluster and pushed away from the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_SMALLEST = 1e-6
"""A squared distance below which nothing is drawn any nearer; the loss takes reciprocals."""


def centre_distances(features: Tensor, centres: Tensor) -> Tensor:
    """Euclidean distances on the unit sphere, d = sqrt(2 - 2 cos), at least 0.001.

    Args:
        features: [B, D] of any length.
        centres: [C, J, D] unit rows, J centres of each cluster.

    Returns:
        [B, C, J], in the type of the centres.
    """
    cosine = F.normalize(features.to(centres.dtype)) @ centres.flatten(0, 1).T
    return (2 - 2 * cosine).clamp(min=_SMALLEST).sqrt().unflatten(1, centres.shape[:2])


def multi_centre_contrast(
    features: Sequence[Tensor], centres: Sequence[Tensor], weights: Sequence[float]
) -> Tensor:
    """-log [p / (p + q)] for samples whose branches predict the same cluster, weighted over branches.

    The predicted cluster c* is that of the nearest centre; p is the mean of 1 / d over all centres of c*, and
    q the mean over the other clusters of 1 / d to the nearest centre of each. At equal distances the loss is
    log 2, for any number of clusters.

    Args:
        features: [B, D] of any length, one tensor a branch.
        centres: [C, J, D] unit rows, one tensor a branch, the clusters in one order.
        weights: one a branch.

    Returns:
        A scalar, mean over the agreeing samples; zero, still with a graph, if there are none or fewer than
        two clusters.

    >>> x, centres = torch.tensor([[1.0, 0.0]]), torch.tensor([[[0.0, 1.0]], [[0.0, -1.0]]])
    >>> round(float(multi_centre_contrast([x], [centres], [1.0])), 4)
    0.6931
    """
    if len(centres[0]) < 2:
        return torch.stack([0 * branch.sum() for branch in features]).sum()
    distances = [centre_distances(x, c) for x, c in zip(features, centres, strict=True)]
    predicted = torch.stack([d.amin(dim=2).argmin(dim=1) for d in distances])
    agreed = (predicted == predicted[0]).all(dim=0)
    own = predicted[0, agreed]
    terms = [weight * _contrast(d[agreed], own) for d, weight in zip(distances, weights, strict=True)]
    return torch.stack(terms).sum() / agreed.sum().clamp(min=1)


def _contrast(distances: Tensor, own: Tensor) -> Tensor:
    """The sum of log(1 + q / p) over the samples, distances [b, C, J] and clusters [b]."""
    mine = distances[torch.arange(len(own), device=own.device), own]
    attraction = mine.reciprocal().mean(dim=1)
    of_clusters = distances.amin(dim=2).reciprocal()
    others = torch.ones_like(of_clusters, dtype=torch.bool).scatter_(1, own[:, None], value=False)
    repulsion = of_clusters[others].view(len(own), distances.shape[1] - 1).mean(dim=1)
    return torch.log1p(repulsion / attraction).sum()
