"""Progressive graph matching of the clusters of two modalities.

Wu and Ye, "Unsupervised Visible-Infrared Person Re-Identification via Progressive Graph Matching and
Alternate Learning", CVPR 2023.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from raydist.neighbours.search.exact import similarities
from raydist.types import Doubles, Floats, Ints

UNMATCHED = -1
"""The partner of a cluster when the other modality has no clusters."""


class ClusterMatching(NamedTuple):
    """A partner for every cluster.

    Attributes:
        visible_to_infrared: int64 [C_v], the infrared partner of each visible cluster.
        infrared_to_visible: int64 [C_i], the visible partner of each infrared cluster.
    """

    visible_to_infrared: Ints
    infrared_to_visible: Ints


def progressive_matching(visible: Floats, infrared: Floats) -> ClusterMatching:
    """Match clusters one to one, then again those that are left, until every cluster has a partner.

    The cost of a pair is 1 / exp(cos). The first round is an optimal assignment between the modalities: it
    matches every cluster of the smaller one. In each further round the clusters of the larger one that have
    no partner yet are assigned to all of the smaller one; a cluster of the smaller one keeps its partner of
    the first round.

    Args:
        visible: float32 [C_v, D], centroids of any length.
        infrared: float32 [C_i, D].

    Returns:
        Partners of both sides; all `UNMATCHED` when either side is empty.

    Raises:
        FeatureError: a value is not finite, or the widths differ.

    >>> x = np.eye(3, dtype=np.float32)
    >>> [partners.tolist() for partners in progressive_matching(x[[0, 1, 1]], x[[1, 0]])]
    [[1, 0, 0], [1, 0]]
    """
    cost = np.exp(-similarities(_unit(visible), _unit(infrared)))
    if len(visible) >= len(infrared):
        large_to_small, small_to_large = _match_rows(cost)
        return ClusterMatching(large_to_small, small_to_large)
    large_to_small, small_to_large = _match_rows(np.ascontiguousarray(cost.T))
    return ClusterMatching(small_to_large, large_to_small)


def _match_rows(cost: Doubles) -> tuple[Ints, Ints]:
    """Partners of the rows and of the columns of a cost matrix with at least as many rows as columns."""
    num_rows, num_columns = cost.shape
    of_row = np.full(num_rows, UNMATCHED, np.int64)
    of_column = np.full(num_columns, UNMATCHED, np.int64)
    left = np.arange(num_rows) if num_columns else np.empty(0, np.int64)
    while left.size:
        rows, columns = linear_sum_assignment(cost[left])
        of_row[left[rows]] = columns
        if (of_column == UNMATCHED).any():
            of_column[columns] = left[rows]
        left = np.flatnonzero(of_row == UNMATCHED)
    return of_row, of_column


def _unit(centroids: Floats) -> Floats:
    """Rows of unit length; a zero row stays zero."""
    length = np.linalg.norm(centroids, axis=1, keepdims=True)
    return (centroids / np.where(length > 0, length, 1)).astype(np.float32)
