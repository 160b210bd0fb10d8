"""DBSCAN on a sparse graph, with the labels of scikit-learn bit for bit.

Ester et al., "A Density-Based Algorithm for Discovering Clusters in Large Spatial Databases with Noise", KDD 1996.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from raydist.errors import ConfigError
from raydist.neighbours.jaccard import Edges
from raydist.types import NOISE, Ints, Labels


def dbscan(edges: Edges, num_rows: int, *, eps: float, min_samples: int) -> Labels:
    """Cluster rows by density.

    A row with at least `min_samples` rows within eps, itself included, is a core row. Core rows within eps of each
    other share a cluster; clusters are numbered by their smallest core row. Another row within eps of core rows
    belongs to the first of their clusters; the rest is noise.

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
        raise ConfigError(f"DBSCAN with eps {eps} and min_samples {min_samples}: expected eps >= 0 and min_samples >= 1")
    near = edges.cut(eps)
    ends = np.concatenate((near.i, near.j))
    core = 1 + np.bincount(ends, minlength=num_rows) >= min_samples
    labels = _label_cores(near.take(core[near.i] & core[near.j]), core)
    border = near.take(core[near.i] != core[near.j])
    outer = np.where(core[border.i], border.j, border.i)
    inner = np.where(core[border.i], border.i, border.j)
    lowest = np.full(num_rows, num_rows)
    np.minimum.at(lowest, outer, labels[inner])
    return np.where(core, labels, np.where(lowest < num_rows, lowest, NOISE))


def _label_cores(edges: Edges, core: np.ndarray) -> Ints:
    """Components of the core rows, numbered by their smallest row; NOISE elsewhere."""
    num_rows = len(core)
    graph = coo_array((np.ones(len(edges), bool), (edges.i, edges.j)), shape=(num_rows, num_rows))
    component = connected_components(graph, directed=False)[1]
    labels = np.full(num_rows, NOISE, np.int64)
    _, first, member = np.unique(component[core], return_index=True, return_inverse=True)
    labels[core] = np.argsort(np.argsort(first))[member]
    return labels
