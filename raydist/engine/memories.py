"""The memories of an epoch on a worker: prototypes as they are, slots whole or in parts."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from raydist.engine.memory_check import slots_are_parted
from raydist.engine.process_group import ProcessGroup, collective, part_bounds
from raydist.engine.progress import PROGRESS
from raydist.engine.schema import Config
from raydist.losses.columns import WHOLE, Columns
from raydist.methods.method import Targets
from raydist.methods.slots import NewSlots, Slots
from raydist.methods.steps import Memories


def make_memories(targets: Targets, config: Config, process_group: ProcessGroup) -> Memories:
    """The memories with which an epoch begins.

    Args:
        targets: of the epoch, equal on all workers.
        config: how large slots may be on every worker.
        process_group: the workers.
    """
    device = process_group.device
    return Memories(
        {name: torch.tensor(table, device=device) for name, table in sorted(targets.memories.items())},
        {name: _slots(new, config, process_group) for name, new in sorted(targets.slots.items())},
    )


def _slots(new: NewSlots, config: Config, process_group: ProcessGroup) -> Slots:
    """The slots of this worker: all, or those of its consecutive part of the tracklets."""
    num_rows, num_columns, width = new.features.shape
    rank, workers = process_group.rank, process_group.world_size
    parted = slots_are_parted(config, num_rows, num_columns * width, workers)
    first, stop = 0, num_rows
    if parted:
        first, stop = part_bounds(num_rows, workers)[rank : rank + 2].tolist()
    number, values = new.part(first, stop)
    table = torch.tensor(values, device=process_group.device)
    return Slots(table, RankColumns(number, number + len(table)) if parted else WHOLE)


class RankColumns(Columns):
    """Consecutive columns; those of the other ranks are exchanged through `torch.distributed`.

    Args:
        first: the number of the first of them.
        stop: that of the first behind them.
    """

    def __init__(self, first: int, stop: int) -> None:
        self.first, self.stop = first, stop

    @property
    def span(self) -> slice:
        """See `Columns.span`."""
        return slice(self.first, self.stop)

    def here(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """See `Columns.here`."""
        is_here = (numbers >= self.first) & (numbers < self.stop)
        return is_here, torch.where(is_here, numbers - self.first, 0)

    def entering(self, equal: Tensor) -> Tensor:
        """See `Columns.entering`."""
        entered: Tensor = _Entering.apply(equal)
        return entered

    def total(self, parts: Tensor) -> Tensor:
        """See `Columns.total`."""
        total: Tensor = _Total.apply(parts)
        return total

    def joined(self, parts: Tensor) -> Tensor:
        """See `Columns.joined`."""
        joined: Tensor = _Joined.apply(parts)
        return joined

    def largest(self, parts: Tensor) -> Tensor:
        """See `Columns.largest`."""
        return _reduced(parts.detach(), dist.ReduceOp.MAX)


class _Entering(torch.autograd.Function):
    """The tensor itself; its gradients are added up over the ranks."""

    @staticmethod
    def forward(ctx: Any, equal: Tensor) -> Tensor:
        return equal.view_as(equal)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _reduced(gradient)


class _Total(torch.autograd.Function):
    """The sum over the ranks; its gradient, equal on all of them, is that of each part."""

    @staticmethod
    def forward(ctx: Any, parts: Tensor) -> Tensor:
        return _reduced(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class _Joined(torch.autograd.Function):
    """The parts of all ranks side by side; each gets its piece of the gradient."""

    @staticmethod
    def forward(ctx: Any, parts: Tensor) -> Tensor:
        ctx.width = parts.shape[-1]
        of_all = [torch.empty_like(parts) for _ in range(dist.get_world_size())]
        with collective(f"joining logits of {PROGRESS.doing}"):
            dist.all_gather(of_all, parts.contiguous())
        return torch.cat(of_all, dim=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.split(ctx.width, dim=-1)[dist.get_rank()]


def _reduced(values: Tensor, operation: Any = dist.ReduceOp.SUM) -> Tensor:
    """A copy, put together over the ranks."""
    together = values.clone(memory_format=torch.contiguous_format)
    with collective(f"adding up logits of {PROGRESS.doing}"):
        dist.all_reduce(together, operation)
    return together
