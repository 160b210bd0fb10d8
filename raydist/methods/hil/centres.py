"""The centres inside the clusters of HIL, in every branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.random import Generator

from raydist.memories.sub_centroids import sub_centroids
from raydist.methods.common.branches import named
from raydist.methods.epoch_features import EpochFeatures
from raydist.types import NOISE, Floats, Ints, Labels


def centres(
    branches: Sequence[EpochFeatures],
    labels: Mapping[str, Labels],
    rng: Generator,
    *,
    num_centres: int,
    shrink: float,
) -> dict[str, Floats]:
    """The centre and the sub-centres of every cluster, in every branch.

    Args:
        branches: [N, 1, D / b] unit rows, one table a branch.
        labels: int64 [N] for each name; clusters without rows are left out.
        rng: where chance comes from.
        num_centres, shrink: see `raydist.memories.sub_centroids.sub_centroids`.
    """
    memories: dict[str, Floats] = {}
    rule = partial(_centres, num_centres=num_centres, shrink=shrink)
    for name, of_name in labels.items():
        clusters = compact(of_name)
        num_clusters = int(clusters.max(initial=NOISE)) + 1
        seeds = [rng.integers(2**31, size=num_clusters) for _ in branches]
        of_branches = [
            branch.of_groups(rule, clusters, num_clusters, own)
            for branch, own in zip(branches, seeds, strict=True)
        ]
        memories |= named(f"centres-{name}", of_branches)
    return memories


def _centres(rows: Floats, clusters: Labels, seeds: Ints, *, num_centres: int, shrink: float) -> Floats:
    return sub_centroids(rows[:, 0], clusters, num_centres, seeds, shrink=shrink)


def compact(labels: Labels) -> Labels:
    """The same clusters, numbered without gaps in their order; NOISE stays NOISE.

    >>> compact(np.array([5, -1, 2, 5]))
    array([ 1, -1,  0,  1])
    """
    numbered = np.full(len(labels), NOISE)
    members = labels != NOISE
    numbered[members] = np.unique(labels[members], return_inverse=True)[1]
    return numbered
