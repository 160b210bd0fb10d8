"""The memories of HIL in every branch: prototypes of clusters, slots of tracklets, centres in clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from raydist.memories.centroids import centroids
from raydist.memories.sub_centroids import sub_centroids
from raydist.methods.hil.branches import named
from raydist.types import NOISE, Floats, Ints, Labels


def prototypes(name: str, parts: Sequence[Tensor], labels: Labels) -> dict[str, Floats]:
    """The unit mean [C, D / b] of each cluster, in every branch.

    Args:
        name: of the memories.
        parts: [N, D / b] unit rows, one tensor a branch.
        labels: int64 [N].
    """
    clusters, num_clusters = torch.from_numpy(labels), int(labels.max(initial=NOISE)) + 1
    return named(name, [centroids(part, clusters, num_clusters).numpy() for part in parts])


def centres(
    parts: Sequence[Tensor],
    labels: Mapping[str, Labels],
    rng: Generator,
    *,
    num_centres: int,
    shrink: float,
) -> dict[str, Floats]:
    """The centre and the sub-centres of every cluster, in every branch.

    Args:
        parts: [N, D / b] unit rows, one tensor a branch.
        labels: int64 [N] for each name; clusters without rows are left out.
        rng: where chance comes from.
        num_centres, shrink: see `raydist.memories.sub_centroids.sub_centroids`.
    """
    memories: dict[str, Floats] = {}
    for name, of_name in labels.items():
        clusters = compact(of_name)
        of_parts = [sub_centroids(part.numpy(), clusters, num_centres, rng, shrink=shrink) for part in parts]
        memories |= named(f"centres-{name}", of_parts)
    return memories


def positions(rows: Ints, num_rows: int) -> Ints:
    """The position of each of N rows among the given ones; NOISE for a row that is none of them.

    >>> positions(np.array([1, 3]), 4)
    array([-1,  0, -1,  1])
    """
    position = np.full(num_rows, NOISE)
    position[rows] = np.arange(len(rows))
    return position


def compact(labels: Labels) -> Labels:
    """The same clusters, numbered without gaps in their order; NOISE stays NOISE.

    >>> compact(np.array([5, -1, 2, 5]))
    array([ 1, -1,  0,  1])
    """
    numbered = np.full(len(labels), NOISE)
    members = labels != NOISE
    numbered[members] = np.unique(labels[members], return_inverse=True)[1]
    return numbered
