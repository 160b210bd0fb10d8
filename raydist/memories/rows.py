"""What every memory is built from: means of the rows that share a group, and moving rows towards them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raydist.errors import ConfigError


def unit_rows_like(features: Tensor, memory: Tensor) -> Tensor:
    """Unit-length features in the type of a memory: half-precision batches are averaged in float32."""
    return F.normalize(features.to(memory.dtype))


def group_means(features: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
    """The mean feature of each group; negative groups (noise) are left out.

    Args:
        features: [N, D].
        groups: int64 [N].

    Returns:
        int64 [G] groups that occur, upwards, and [G, D] means. Rows are summed in their order, so equal
        arguments give equal bytes.

    >>> group_means(torch.tensor([[1.0], [3.0], [9.0]]), torch.tensor([4, 4, -1]))
    (tensor([4]), tensor([[2.]]))
    """
    order = torch.argsort(groups, stable=True)
    order = order[groups[order] >= 0]
    occurring, counts = torch.unique_consecutive(groups[order], return_counts=True)
    # The checks that `unsafe` skips fail on an empty batch; these lengths are right by construction.
    sums = torch.segment_reduce(features[order], "sum", lengths=counts, axis=0, unsafe=True)
    return occurring, sums / counts[:, None]


def turns(labels: Tensor) -> Tensor:
    """How many samples of its own cluster come before each sample of a batch; -1 for noise.

    Clusters do not act on each other, so samples of the same turn can act at once.

    Args:
        labels: int64 [B], noise negative.

    Returns:
        int64 [B].

    >>> turns(torch.tensor([4, 2, -1, 4, 4]))
    tensor([ 0,  0, -1,  1,  2])
    """
    before = (labels[:, None] == labels).tril(-1).sum(dim=1)
    return torch.where(labels < 0, -1, before)


@torch.no_grad()
def move_rows(memory: Tensor, rows: Tensor, towards: Tensor, *, momentum: float) -> None:
    """Move distinct rows of a memory: row <- norm(momentum row + (1 - momentum) target).

    Args:
        memory: [C, D] unit rows, changed in place.
        rows: int64 [G], no row twice.
        towards: [G, D].
        momentum: share of the old row, 0 to 1.

    Raises:
        ConfigError: momentum is outside 0 to 1.
    """
    if not 0 <= momentum <= 1:
        raise ConfigError(
            f"momentum {momentum}: the share of a memory's old row that an update keeps lies between 0 and 1"
        )
    memory[rows] = F.normalize(momentum * memory[rows] + (1 - momentum) * towards)


@torch.no_grad()
def move_in_turn(memory: Tensor, towards: Tensor, rows: Tensor, *, momentum: float) -> None:
    """Move rows of a memory once for each of their targets, in the order of these.

    Rows do not act on each other, so the k-th targets of all rows act at once.

    Args:
        memory: [C, D] unit rows, changed in place.
        towards: [B, D], of any length.
        rows: int64 [B], the row that each target moves; negative ones are left out.
        momentum: share of the old row, 0 to 1.
    """
    turn = turns(rows)
    for now in range(int(turn.max()) + 1 if len(turn) else 0):
        acting = turn == now
        move_rows(memory, rows[acting], towards[acting], momentum=momentum)
