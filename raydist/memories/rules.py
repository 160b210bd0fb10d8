"""By which rule the samples of a batch move a cluster memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from torch import Tensor

from raydist.memories.centroids import update_centroids, update_in_turn

MemoryRule = Literal["mean", "in-turn"]
"""``mean`` moves a prototype once, by the batch mean of its cluster; ``in-turn`` by one sample after the
other, as the published code of the image methods does."""

UPDATES: Mapping[MemoryRule, Callable[..., None]] = {"mean": update_centroids, "in-turn": update_in_turn}


def update_prototypes(
    prototypes: Tensor, features: Tensor, labels: Tensor, *, momentum: float, rule: MemoryRule
) -> None:
    """Move the prototypes of a batch's clusters.

    Args:
        prototypes: [C, D] unit rows, changed in place.
        features: [B, D], of any length; their directions count. In turn, their order counts too: of several
            views, view after view.
        labels: int64 [B], noise left out.
        momentum: share of the old prototype, 0 to 1.
        rule: see `update_centroids` and `update_in_turn`.

    >>> import torch
    >>> memory = torch.eye(2)
    >>> samples, labels = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([1, 1])
    >>> update_prototypes(memory, samples, labels, momentum=0.0, rule="in-turn")
    >>> memory
    tensor([[1., 0.],
            [1., 0.]])
    """
    UPDATES[rule](prototypes, features, labels, momentum=momentum)
