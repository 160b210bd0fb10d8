"""Progressive graph matching of the clusters of two modalities.

Wu and Ye, "Unsupervised Visible-Infrared Person Re-Identification via Progressive Graph Matching and
Alternate Learning", CVPR 2023.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from raydist.association.assignment import assign
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

    The cost of a pair is 1 / exp(cos). The first round is an optimal assignment between the modalities (of
    very many clusters nearly so, see `raydist.association.assignment`): it matches every cluster of the
    smaller one. In each further round the clusters of the larger one that have no partner yet are assigned to
    all of the smaller one; a cluster of the smaller one keeps its partner of the first round.

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
    if len(visible) > len(infrared):
        visible_of_infrared, infrared_of_visible = _match(_unit(infrared), _unit(visible))
    else:
        infrared_of_visible, visible_of_infrared = _match(_unit(visible), _unit(infrared))
    return ClusterMatching(infrared_of_visible, visible_of_infrared)


def _match(rows: Floats, columns: Floats) -> tuple[Ints, Ints]:
    """Partners of the rows and of the columns, of which there are at least as many."""
    of_row = np.full(len(rows), UNMATCHED, np.int64)
    of_column = np.full(len(columns), UNMATCHED, np.int64)
    left = np.arange(len(columns)) if len(rows) else np.empty(0, np.int64)
    while left.size:
        chosen, partners = assign(rows, columns[left], _closeness)
        of_column[left[partners]] = chosen
        if (of_row == UNMATCHED).any():
            of_row[chosen] = left[partners]
        left = np.flatnonzero(of_column == UNMATCHED)
    return of_row, of_column


def _closeness(cosines: Doubles) -> Doubles:
    """The cost of pairs, negated."""
    closeness: Doubles = -np.exp(-cosines)
    return closeness


def _unit(centroids: Floats) -> Floats:
    """Rows of unit length; a zero row stays zero."""
    length = np.linalg.norm(centroids, axis=1, keepdims=True)
    return (centroids / np.where(length > 0, length, 1)).astype(np.float32)
