"""Tracklets of one view that look like pieces of one pass, so that they are never pushed apart as negatives.

A tracker may cut one pass of a person into several tracklets. Two tracklets are linked when they are as
similar to each other as the parts of one tracklet are among themselves. Links are not closed transitively:
chains of them join different people.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from raydist.errors import ConfigError, DataError
from raydist.neighbours.jaccard.slabs import in_small_slabs
from raydist.neighbours.search.ranked import PADDING, Ranked
from raydist.types import Doubles, Floats, tracklet_means, unit_rows


def ignore_graph(nearest: Ranked, consistency: Doubles, *, slack: float = 0.3) -> csr_array:
    """Link tracklets of the same view that are probably the same person.

    With s_ij the mean similarity between the sub-tracklets of i and j and rho_i the mean similarity among
    those of i, i and j are linked when each is among the nearest of the other in their view, and s_ij >
    (1 - slack) min(rho_i, rho_j). The mean over all pairs of parts is the dot product of the means over
    parts, `means_of_units`.

    Args:
        nearest: ids and similarities s [N, k] of the tracklets of its view that are nearest to each.
        consistency: float64 [N], rho, see `self_consistency`.
        slack: how much less similar than parts of one tracklet, in [0, 1].

    Returns:
        Symmetric boolean CSR [N, N], without a diagonal.

    Raises:
        DataError: the lengths differ.
        ConfigError: slack is outside [0, 1].

    >>> nearest = np.array([[1], [0], [0]]), np.array([[1.0], [1.0], [0.9]])
    >>> ignore_graph(nearest, np.ones(3)).toarray().astype(int).tolist()
    [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    ids, similarity = nearest
    if not 0 <= slack <= 1:
        raise ConfigError(f"slack {slack}: expected a share in [0, 1]")
    if len(ids) != len(consistency):
        raise DataError(f"nearest tracklets of {len(ids)} rows, and {len(consistency)} consistencies")
    num_rows = len(ids)

    def linked(rows: slice) -> csr_array:
        near = ids[rows]
        floor = (1 - slack) * np.minimum(consistency[rows, None], consistency[near])
        i, place = np.nonzero((near != PADDING) & (similarity[rows] > floor))
        return csr_array((np.ones(len(i), bool), (i, near[i, place])), shape=(len(near), num_rows))

    directed = in_small_slabs(num_rows, linked)
    return csr_array(directed.multiply(directed.T))


def means_of_units(parts: Floats) -> Floats:
    """The means of the parts' directions, which are shorter the less alike these are.

    Args:
        parts: float32 [N, K, D].

    Returns:
        float32 [N, D].

    >>> means_of_units(np.array([[[1, 0], [0, 2]]], np.float32)).tolist()
    [[0.5, 0.5]]
    """
    return tracklet_means(unit_rows(parts).astype(np.float32), renormalise=False)


def self_consistency(parts: Floats) -> Doubles:
    """The mean similarity rho_i among the sub-tracklets of each tracklet; 1 where there is only one.

    Args:
        parts: float32 [N, K, D], of which the directions count.

    Returns:
        float64 [N].
    """
    num_parts = parts.shape[1]
    if num_parts == 1:
        return np.ones(len(parts))
    units = unit_rows(parts).astype(np.float64)
    pairs = (units.sum(axis=1) ** 2).sum(axis=1) - (units**2).sum(axis=(1, 2))
    return pairs / (num_parts * (num_parts - 1))
