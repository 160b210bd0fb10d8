"""The workers of a run: one process alone, or the ranks of a torch process group.

Every rank holds the positions `rank::size` of a global batch, computes the same loss on the gathered
features, and owns the gradient of its own share; so encoder gradients are summed, in one flat all-reduce
whose order is fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from raydist.engine.progress import PROGRESS, waiting
from raydist.types import Ints

T = TypeVar("T")
R = TypeVar("R")


class PeerLost(RuntimeError):
    """Another rank does not answer: its process or its node is gone."""


@contextmanager
def collective(what: str) -> Iterator[None]:
    """A block that does nothing but exchange data with the other ranks.

    Raises:
        PeerLost: the exchange failed.
    """
    with waiting(what):
        try:
            yield
        except RuntimeError as error:  # torch has no type of its own for it
            raise PeerLost(f"{what}: {error}") from error


def part_bounds(num_rows: int, num_parts: int) -> Ints:
    """int64 [P + 1]: the first of N rows in each of P consecutive parts of about one size, and N.

    >>> part_bounds(5, 2).tolist()
    [0, 2, 5]
    """
    return np.arange(num_parts + 1) * num_rows // num_parts


class ProcessGroup(Protocol):
    """The ranks that train together."""

    rank: int
    world_size: int
    device: torch.device

    def gather(self, local: Tensor, total: int) -> Tensor:
        """Rows `rank::size` of every rank back in their order, with autograd into this rank's rows.

        Args:
            local: [b, ...], this rank's rows.
            total: B, rows of all ranks.

        Returns:
            [B, ...].
        """

    def map(self, function: Callable[[T], R], values: Iterable[T]) -> Sequence[R]:
        """What a function gives for each value, in order, on every rank; each rank takes a share of them."""

    def reduce_gradients(self, shared: Iterable[nn.Parameter], replicated: Iterable[nn.Parameter]) -> None:
        """Sum the gradients of `shared` parameters over the ranks; average those of `replicated` ones."""

    def broadcast_buffers(self, module: nn.Module) -> None:
        """Copy rank 0's buffers (BatchNorm statistics) to every rank."""


class SingleProcess:
    """A process group of one process."""

    rank = 0
    world_size = 1

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")

    def gather(self, local: Tensor, total: int) -> Tensor:
        """The rows themselves."""
        return local

    def map(self, function: Callable[[T], R], values: Iterable[T]) -> Sequence[R]:
        """Those of all values."""
        return [function(value) for value in values]

    def reduce_gradients(self, shared: Iterable[nn.Parameter], replicated: Iterable[nn.Parameter]) -> None:
        """Nothing to do."""

    def broadcast_buffers(self, module: nn.Module) -> None:
        """Nothing to do."""


class TorchProcessGroup:
    """The default process group of `torch.distributed`."""

    def __init__(self, device: torch.device) -> None:
        self.rank, self.world_size, self.device = dist.get_rank(), dist.get_world_size(), device

    def gather(self, local: Tensor, total: int) -> Tensor:
        """See `ProcessGroup.gather`."""
        largest = -(-total // self.world_size)
        padded = torch.zeros((largest, *local.shape[1:]), dtype=local.dtype, device=local.device)
        padded[: len(local)] = local.detach()
        parts = [torch.empty_like(padded) for _ in range(self.world_size)]
        with collective(f"gathering after {PROGRESS.doing}"):
            dist.all_gather(parts, padded)
        parts = [part[: len(range(rank, total, self.world_size))] for rank, part in enumerate(parts)]
        parts[self.rank] = local
        positions = torch.cat([torch.arange(rank, total, self.world_size) for rank in range(self.world_size)])
        return torch.cat(parts)[torch.argsort(positions).to(local.device)]

    def map(self, function: Callable[[T], R], values: Iterable[T]) -> Sequence[R]:
        """See `ProcessGroup.map`."""
        all_values = list(values)
        own = [function(value) for value in all_values[self.rank :: self.world_size]]
        parts: list[Any] = [None] * self.world_size
        with collective(f"joining the shares of {PROGRESS.doing}"):
            dist.all_gather_object(parts, own)
        return [parts[n % self.world_size][n // self.world_size] for n in range(len(all_values))]

    def reduce_gradients(self, shared: Iterable[nn.Parameter], replicated: Iterable[nn.Parameter]) -> None:
        """See `ProcessGroup.reduce_gradients`."""
        for parameters, factor in ((list(shared), 1.0), (list(replicated), 1.0 / self.world_size)):
            with_gradient = [p for p in parameters if p.requires_grad]
            if not with_gradient:
                continue
            gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in with_gradient]
            flat = torch.cat([g.reshape(-1) for g in gradients])
            with collective(f"summing gradients of {PROGRESS.doing}"):
                dist.all_reduce(flat)
            flat *= factor
            for parameter, part in zip(
                with_gradient, flat.split([g.numel() for g in gradients]), strict=True
            ):
                parameter.grad = part.view_as(parameter).clone()

    def broadcast_buffers(self, module: nn.Module) -> None:
        """See `ProcessGroup.broadcast_buffers`."""
        with collective("sharing batch-norm statistics"):
            for buffer in module.buffers():
                dist.broadcast(buffer, src=0)
