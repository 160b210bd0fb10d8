"""Sums of feature rows by group that do not depend on how the rows are cut into parts.

Floats that are added in another order give other last digits. Features are therefore added as whole numbers
of 2**-36, which keep every digit of a component above 2**-13 and are exact in any order: so tables that lie
on any number of machines have the same means, to the bit.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from raydist.errors import ClusteringError, FeatureError
from raydist.types import NOISE, Floats, Ints, Labels, unit_rows

SCALE = 2.0**36
"""Steps of 1; sums of less than 2**27 components of at most 1 stay within 64 bits."""

BLOCK = 512
"""Rows that are turned into whole numbers at one time."""


def exact_group_sums(features: Floats, groups: Ints, num_groups: int) -> Ints:
    """The sum of the rows of each group, in steps of 2**-36.

    Args:
        features: float32 [n, D], or [n, K, D] for K rows of the same group; components of at most 1.
        groups: int64 [n], 0..G-1; negative ones are left out.
        num_groups: G.

    Returns:
        int64 [G, D]; those of parts of a table add up to that of the table.

    Raises:
        FeatureError: a component is not finite, or larger than a feature of unit length has.

    >>> x = np.array([[0.5], [0.25], [1.0]], np.float32)
    >>> (exact_group_sums(x, np.array([0, 0, -1]), 2) / SCALE).tolist()
    [[0.75], [0.0]]
    """
    sums = np.zeros((num_groups, features.shape[-1]), np.int64)
    members = np.flatnonzero(groups != NOISE)
    for start in range(0, len(members), BLOCK):
        rows = members[start : start + BLOCK]
        block = features[rows].reshape(len(rows), -1, features.shape[-1])
        if not (np.abs(block) < 2).all():
            raise FeatureError("features to be averaged have components that are not between -1 and 1")
        whole = np.rint(block * SCALE, dtype=np.float64).astype(np.int64).sum(axis=1)
        ones = np.ones(len(rows), np.int64)
        occurring, group = np.unique(groups[rows], return_inverse=True)
        shape = (len(occurring), len(rows))
        sums[occurring] += csr_array((ones, (group, np.arange(len(rows)))), shape=shape) @ whole
    return sums


def unit_means(sums: Ints, counts: Ints) -> Floats:
    """The direction of each group's mean.

    Args:
        sums: int64 [G, D], see `exact_group_sums`.
        counts: int64 [G], rows of each.

    Returns:
        float32 [G, D] unit rows; zeros for a group without rows.

    >>> unit_means(np.array([[3, 4], [0, 0]]) * 2**30, np.array([5, 0])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    means = np.empty(sums.shape, np.float32)
    for start in range(0, len(sums), BLOCK):  # so that no table of doubles stands beside both
        block = slice(start, start + BLOCK)
        means[block] = unit_rows(sums[block] / (SCALE * np.maximum(counts[block], 1))[:, None])
    return means


def check_every_cluster_has_rows(labels: Labels, num_clusters: int) -> None:
    """Refuse labels int64 [N] that leave out some of the clusters 0..C-1.

    Raises:
        ClusteringError: a cluster has no row.
    """
    counts = group_counts(labels, num_clusters)
    if not counts.all():
        empty = np.flatnonzero(counts == 0)
        raise ClusteringError(
            f"{len(empty)} of {len(counts)} clusters have no rows, the first of them {empty[:5].tolist()}: "
            f"expected rows in each of 0 to {len(counts) - 1}"
        )


def group_counts(groups: Ints, num_groups: int) -> Ints:
    """int64 [G]: how many rows each group has; negative ones are left out."""
    return np.bincount(groups[groups != NOISE], minlength=num_groups)
