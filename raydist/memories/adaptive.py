"""A cluster memory that learns from each sample as far as its label is trusted."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raydist.errors import ConfigError
from raydist.memories.rows import group_means, unit_rows_like


@torch.no_grad()
def update_by_trust(
    prototypes: Tensor, features: Tensor, labels: Tensor, trust: Tensor, *, momentum: float
) -> None:
    """Move each cluster of a batch at a rate of each sample's own (DMDL, arXiv 2512.03745).

    eta = momentum / max(trust, momentum);

    M <- norm(mean of eta M + (1 - eta) x over the batch's samples x of the cluster). A sample trusted with 1
    acts as in `update_centroids`; one trusted with no more than `momentum` does not act at all, and alone
    leaves its cluster as it was.

    Args:
        prototypes: [C, D] unit rows, changed in place.
        features: [B, D], of any length; their directions x count.
        labels: int64 [B], noise left out.
        trust: [B], between 0 and 1.
        momentum: share of the old prototype for a fully trusted sample, above 0 and up to 1.

    Raises:
        ConfigError: momentum is out of range.

    >>> memory = torch.eye(2)
    >>> label, trust = torch.tensor([0]), torch.tensor([0.2])
    >>> update_by_trust(memory, torch.tensor([[0.0, 1.0]]), label, trust, momentum=0.2)
    >>> memory[0]
    tensor([1., 0.])
    """
    if not 0 < momentum <= 1:
        raise ConfigError(
            f"momentum {momentum}: the share of the old row under full trust lies above 0 and is at most 1"
        )
    gain = 1 - momentum / trust.to(prototypes.dtype).clamp(min=momentum)
    taken = unit_rows_like(features, prototypes) * gain[:, None]
    clusters, means = group_means(torch.cat([taken, gain[:, None]], dim=1), labels)
    moved = F.normalize((1 - means[:, -1:]) * prototypes[clusters] + means[:, :-1])
    prototypes[clusters] = torch.where(means[:, -1:] > 0, moved, prototypes[clusters])
