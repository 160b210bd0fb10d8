"""DBSCAN on a sparse graph, with the labels of scikit-learn bit for bit.

Ester et al., "A Density-Based Algorithm for Discovering Clusters in Large Spatial Databases with Noise", KDD
1996.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.edges import TIE_TOLERANCE, Edges
from raydist.neighbours.jaccard.locality import root_of
from raydist.types import NOISE, Floats, Labels


def dbscan(edges: Edges, num_rows: int, *, eps: float, min_samples: int) -> Labels:
    """Cluster rows by density.

    A row with at least `min_samples` rows within eps, itself included, is a core row. Core rows within eps of
    each other share a cluster; clusters are numbered by their smallest core row. Another row within eps of
    core rows belongs to the first of their clusters; the rest is noise.

    Args:
        edges: every pair with a distance up to eps; larger distances may be there too.
        num_rows: N.
        eps: the radius; a distance within `TIE_TOLERANCE` above it still counts.
        min_samples: the core size, the row itself included.

    Returns:
        int64 [N].

    Raises:
        ConfigError: eps is negative or min_samples < 1.

    >>> pair = Edges(np.array([0], np.int32), np.array([1], np.int32), np.array([0.25], np.float32))
    >>> dbscan(pair, 3, eps=0.5, min_samples=2).tolist()
    [0, 0, -1]
    """
    if eps < 0 or min_samples < 1:
        raise ConfigError(
            f"DBSCAN with eps {eps} and min_samples {min_samples}: expected eps >= 0 and min_samples >= 1"
        )
    return _labels(edges.i, edges.j, edges.distance, num_rows, eps + TIE_TOLERANCE, min_samples)


@njit(nogil=True, cache=True)
def _labels(
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    distance: Floats,
    num_rows: int,
    radius: float,
    min_samples: int,
) -> Labels:
    # Core rows: enough rows within the radius, each with itself.
    size = np.ones(num_rows, np.int32)
    for e in range(left.size):
        if distance[e] <= radius:
            size[left[e]] += 1
            size[right[e]] += 1
    core = size >= min_samples
    # Core rows within the radius of each other are one cluster. The smaller root stays, so that the root of a
    # cluster is its smallest row.
    parent = np.arange(num_rows)
    for e in range(left.size):
        if distance[e] <= radius and core[left[e]] and core[right[e]]:
            a, b = root_of(parent, left[e]), root_of(parent, right[e])
            parent[max(a, b)] = min(a, b)
    # Rows ascend, so a cluster is numbered at its smallest row, and the others find that number at their
    # root.
    labels = np.full(num_rows, NOISE)
    count = 0
    for row in range(num_rows):
        if core[row]:
            root = root_of(parent, row)
            labels[row] = labels[root] if root < row else count
            count += root == row
    # A row that is no core row belongs to the first cluster that has a core row within the radius.
    for e in range(left.size):
        if distance[e] <= radius and core[left[e]] != core[right[e]]:
            inner, outer = (left[e], right[e]) if core[left[e]] else (right[e], left[e])
            if labels[outer] == NOISE or labels[inner] < labels[outer]:
                labels[outer] = labels[inner]
    return labels
