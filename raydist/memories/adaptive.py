"""A cluster memory that learns from each sample as far as its label is trusted (DMDL, arXiv 2512.03745).

A sample x of trust t moves its prototype at a rate of its own, eta = momentum / max(t, momentum): one trusted
with 1 acts as in `raydist.memories.centroids`, one trusted with no more than `momentum` not at all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raydist.errors import ConfigError
from raydist.memories.rows import group_means, turns, unit_rows_like
from raydist.memories.rules import MemoryRule


@torch.no_grad()
def update_by_trust(
    prototypes: Tensor,
    features: Tensor,
    labels: Tensor,
    trust: Tensor,
    *,
    momentum: float,
    rule: MemoryRule = "mean",
) -> None:
    """Move the prototypes of a batch's clusters, by the mean of their samples or by one after the other.

    ``mean``: M <- norm(mean of eta M + (1 - eta) x over the samples x of the cluster). ``in-turn``, for one
    sample after the other in the order of the batch: M <- norm(eta M + (1 - eta) x). A sample that is not
    trusted leaves the row as it was, to the byte.

    Args:
        prototypes: [C, D] unit rows, changed in place.
        features: [B, D], of any length; their directions x count.
        labels: int64 [B], noise left out.
        trust: [B], between 0 and 1.
        momentum: share of the old prototype for a fully trusted sample, above 0 and up to 1.
        rule: how the samples of one cluster act together.

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
    update = _in_turn if rule == "in-turn" else _by_mean
    update(prototypes, unit_rows_like(features, prototypes), labels, gain)


def _by_mean(prototypes: Tensor, features: Tensor, labels: Tensor, gain: Tensor) -> None:
    """One move for each cluster; `gain` [B] is 1 - eta."""
    weighted = torch.cat([features * gain[:, None], gain[:, None]], dim=1)
    clusters, means = group_means(weighted, labels)
    _move(prototypes, clusters, means[:, :-1], means[:, -1:])


def _in_turn(prototypes: Tensor, features: Tensor, labels: Tensor, gain: Tensor) -> None:
    """One move for each sample; the k-th samples of all clusters move at once."""
    turn = turns(labels)
    for now in range(int(turn.max()) + 1 if len(turn) else 0):
        acting = turn == now
        step = gain[acting, None]
        _move(prototypes, labels[acting], step * features[acting], step)


def _move(prototypes: Tensor, rows: Tensor, towards: Tensor, gain: Tensor) -> None:
    """Distinct rows: M <- norm((1 - gain) M + towards), where there is any gain."""
    moved = F.normalize((1 - gain) * prototypes[rows] + towards)
    prototypes[rows] = torch.where(gain > 0, moved, prototypes[rows])
