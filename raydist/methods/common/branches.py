"""A feature as its branches: a deep one and, where the encoder has it, a shallow one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from raydist.methods.common.labels import at
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.slots import Slots
from raydist.methods.steps import Batch, Memories
from raydist.types import NOISE, Floats, Labels, Modality


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
    """The prototypes of that name, one table a branch."""
    return [memories[f"{name}-{number}"] for number in range(num_branches)]


def slots_of_branches(memories: Memories, name: str, num_branches: int) -> list[Slots]:
    """The slots of that name, one table a branch."""
    return [memories.slots[f"{name}-{number}"] for number in range(num_branches)]


def branch_tables(means: EpochFeatures, num_branches: int) -> list[EpochFeatures]:
    """The branches of features [N, 1, D], each [N, 1, D / b]."""
    return [
        means.transformed(partial(_branch, number=number, num_branches=num_branches))
        for number in range(num_branches)
    ]


def joined_branches(means: EpochFeatures, num_branches: int) -> EpochFeatures:
    """[N, 1, D], unit rows: all branches of features [N, 1, D], which weigh alike."""
    return means.transformed(partial(_joined, num_branches=num_branches))


def prototypes(name: str, branches: Sequence[EpochFeatures], labels: Labels) -> dict[str, Floats]:
    """The unit mean [C, D / b] of each cluster, in every branch.

    Args:
        name: of the memories.
        branches: [N, 1, D / b] unit rows, one table a branch.
        labels: int64 [N].
    """
    num_clusters = int(labels.max(initial=NOISE)) + 1
    return named(name, [branch.centroids(labels, num_clusters) for branch in branches])


def _branch(features: Floats, *, number: int, num_branches: int) -> Floats:
    return _parts(features, num_branches)[number].numpy()


def _joined(features: Floats, *, num_branches: int) -> Floats:
    return (torch.cat(_parts(features, num_branches), dim=1) / num_branches**0.5).numpy()


def _parts(features: Floats, num_branches: int) -> list[Tensor]:
    return branches(torch.tensor(features[:, 0]), num_branches)  # a copy: shards' rows cannot be written


@dataclass(frozen=True)
class Clips:
    """The clips of a batch: the visible ones, one view after the other, and then so the infrared ones.

    Attributes:
        parts: unit features [M, D / b], one tensor a branch.
        rows: int64 [M], rows of the training set.
        raw: features [M, D / b] before they were normalised, one tensor a branch, where the batch has them.
    """

    parts: Sequence[Tensor]
    rows: Tensor
    raw: Sequence[Tensor] = ()

    @classmethod
    def of(cls, batch: Batch, modality: NDArray[np.int8], num_branches: int) -> Clips:
        """The clips of a batch, in the views that those of each modality have.

        Args:
            batch: clips of both modalities.
            modality: int8 [N] of `Modality`, of all rows of the training set.
            num_branches: b.
        """
        of_batch, rows, views = at(modality, batch.rows), [], []
        for m in Modality:
            chosen = of_batch == m
            shown = [batch.views_of(m, v)[:, chosen] for v in (batch.features, batch.raw) if v is not None]
            rows.append(batch.rows[chosen].repeat(len(shown[0])))
            views.append([values.flatten(0, 1) for values in shown])
        features, *raw = (torch.cat(each) for each in zip(*views, strict=True))
        parts = branches(features, num_branches)
        return cls(parts, torch.cat(rows), [part for x in raw for part in x.chunk(num_branches, dim=-1)])

    def where(self, chosen: Tensor) -> Clips:
        """Those for which bool [M] is true."""
        parts, raw = ([part[chosen] for part in each] for each in (self.parts, self.raw))
        return Clips(parts, self.rows[chosen], raw)
