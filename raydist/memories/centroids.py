"""The cluster memory of cluster contrast.

Dai et al., Cluster Contrast for Unsupervised Person Re-Identification, 2021.

One unit prototype a cluster, made anew after each clustering (see `raydist.memories.exact_sums`) and moved
towards the batch after each step. The updates change the prototypes in place and outside autograd: call them
after a successful optimizer step.
"""

from __future__ import annotations

import torch
from torch import Tensor

from raydist.memories.rows import group_means, move_in_turn, move_rows, unit_rows_like


@torch.no_grad()
def update_centroids(prototypes: Tensor, features: Tensor, labels: Tensor, *, momentum: float) -> None:
    """Move each cluster of a batch towards its batch mean: M <- norm(momentum M + (1 - momentum) mean x).

    Args:
        prototypes: [C, D] unit rows, changed in place.
        features: [B, D], of any length; their directions x count.
        labels: int64 [B], noise left out.
        momentum: share of the old prototype, 0 to 1.
    """
    clusters, means = group_means(unit_rows_like(features, prototypes), labels)
    move_rows(prototypes, clusters, means, momentum=momentum)


@torch.no_grad()
def update_in_turn(prototypes: Tensor, features: Tensor, labels: Tensor, *, momentum: float) -> None:
    """Move the prototypes sample by sample, as the published code of the field does.

    M <- norm(momentum M + (1 - momentum) x).

    The samples of a cluster act in the order of the batch, so the last of them weighs most.

    Args:
        prototypes: [C, D] unit rows, changed in place.
        features: [B, D], of any length; their directions x count.
        labels: int64 [B], noise left out.
        momentum: share of the old prototype, 0 to 1.
    """
    move_in_turn(prototypes, unit_rows_like(features, prototypes), labels, momentum=momentum)


@torch.no_grad()
def update_hardest(prototypes: Tensor, features: Tensor, labels: Tensor, *, momentum: float) -> None:
    """Move each cluster of a batch towards its least similar sample there; of equal ones, the first.

    Args:
        prototypes: [C, D] unit rows, changed in place.
        features: [B, D], of any length; their directions x count.
        labels: int64 [B], noise left out.
        momentum: share of the old prototype, 0 to 1.
    """
    features, labels = unit_rows_like(features, prototypes)[labels >= 0], labels[labels >= 0]
    similarity = (features * prototypes[labels]).sum(dim=1)
    order = torch.argsort(similarity, stable=True)
    order = order[torch.argsort(labels[order], stable=True)]
    clusters, counts = torch.unique_consecutive(labels[order], return_counts=True)
    hardest = order[counts.cumsum(0) - counts]
    move_rows(prototypes, clusters, features[hardest], momentum=momentum)
