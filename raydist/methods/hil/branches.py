"""A feature as its branches: a deep one and, where the encoder has it, a shallow one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from raydist.methods.steps import Batch, Memories
from raydist.types import Floats


def branches(features: Tensor, num_branches: int) -> list[Tensor]:
    """The equal parts of features [..., D], deep first, each [..., D / b] and of unit length.

    >>> import torch
    >>> [part.tolist() for part in branches(torch.tensor([[3.0, 4.0, 0.0, 2.0]]), 2)]
    [[[0.6000000238418579, 0.800000011920929]], [[0.0, 1.0]]]
    """
    return [F.normalize(part, dim=-1) for part in features.chunk(num_branches, dim=-1)]


def named(name: str, parts: Sequence[Floats]) -> dict[str, Floats]:
    """One memory a branch, under the names that `of_branches` reads.

    A memory of a branch is named by what it holds and the branch's number: ``shared-0`` is deep, ``shared-1``
    shallow.
    """
    return {f"{name}-{number}": part for number, part in enumerate(parts)}


def of_branches(memories: Memories, name: str, num_branches: int) -> list[Tensor]:
    """The memories of that name, one a branch."""
    return [memories[f"{name}-{number}"] for number in range(num_branches)]


@dataclass(frozen=True)
class Clips:
    """All views of the clips of a batch, one view after the other.

    Attributes:
        parts: unit features [V B, D / b], one tensor a branch.
        rows: int64 [V B], rows of the training set.
    """

    parts: Sequence[Tensor]
    rows: Tensor

    @classmethod
    def of(cls, batch: Batch, num_branches: int) -> Clips:
        """The clips of a batch."""
        parts = branches(batch.features.flatten(0, 1), num_branches)
        return cls(parts, batch.rows.repeat(len(batch.features)))

    def where(self, chosen: Tensor) -> Clips:
        """Those for which bool [V B] is true."""
        return Clips([part[chosen] for part in self.parts], self.rows[chosen])
