"""Which clusters of the two modalities are near each other, as a matrix of the largest of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from raydist.types import NOISE, UNKNOWN_IDENTITY, Doubles, FeatureTable, Ints, Labels, Modality, unit_rows

MAX_CLUSTERS = 24
"""Clusters of each modality in the matrix."""


@dataclass(frozen=True)
class Side:
    """The clusters of one modality, or the part that joint clusters have in it.

    Attributes:
        number: int64 [C], their labels.
        size: int64 [C], tracklets of the modality.
        identity: int64 [C], the most frequent one among the known; UNKNOWN_IDENTITY where none is known.
        centroid: float64 [C, D], unit vectors.
    """

    number: Ints
    size: Ints
    identity: Ints
    centroid: Doubles

    def __len__(self) -> int:
        return len(self.number)

    def take(self, rows: Ints) -> Side:
        """Some of them, in that order."""
        return Side(self.number[rows], self.size[rows], self.identity[rows], self.centroid[rows])


@dataclass(frozen=True)
class Association:
    """The matrix.

    Attributes:
        visible, infrared: equally many clusters; those of one place are partners.
        similarity: float64 [C, C], of the centroids; rows are the visible ones.
        is_joint: whether the labels themselves make them partners, since clusters hold both modalities.
            Otherwise they are matched by their centroids.
        num_partners: of all clusters, how many pairs of partners there are.
        num_mutual: of these, how many are each other's nearest.
        num_known, num_right: of these, how many have two known identities, and in how many they are equal.
    """

    visible: Side
    infrared: Side
    similarity: Doubles
    is_joint: bool
    num_partners: int
    num_mutual: int
    num_known: int
    num_right: int


def association(table: FeatureTable, labels: Labels) -> Association | None:
    """Pair the clusters of the two modalities, and compare the largest.

    Args:
        table: N tracklets.
        labels: int64 [N], the clusters of both modalities numbered together, NOISE = -1.

    Returns:
        None where a modality has no cluster.
    """
    visible, infrared = (side_of(table, labels, modality) for modality in Modality)
    if not len(visible) or not len(infrared):
        return None
    similarity = visible.centroid @ infrared.centroid.T
    _, rows, columns = np.intersect1d(visible.number, infrared.number, return_indices=True)
    is_joint = len(rows) > 0
    if not is_joint:
        rows, columns = linear_sum_assignment(-similarity)
    mutual = (similarity.argmax(axis=1)[rows] == columns) & (similarity.argmax(axis=0)[columns] == rows)
    pair = visible.identity[rows], infrared.identity[columns]
    known = (pair[0] != UNKNOWN_IDENTITY) & (pair[1] != UNKNOWN_IDENTITY)
    order = np.lexsort((visible.number[rows], -(visible.size[rows] + infrared.size[columns])))[:MAX_CLUSTERS]
    shown = visible.take(rows[order]), infrared.take(columns[order])
    return Association(
        *shown,
        similarity[np.ix_(rows[order], columns[order])],
        is_joint,
        num_partners=len(rows),
        num_mutual=int(mutual.sum()),
        num_known=int(known.sum()),
        num_right=int((known & (pair[0] == pair[1])).sum()),
    )


def side_of(table: FeatureTable, labels: Labels, modality: Modality) -> Side:
    """The clusters of one modality, by number."""
    rows = np.flatnonzero((table.modality == modality) & (labels != NOISE))
    number, member, size = np.unique(labels[rows], return_inverse=True, return_counts=True)
    total = np.zeros((len(number), table.features.shape[1]))
    np.add.at(total, member, table.features[rows])
    identity = np.full(len(number), UNKNOWN_IDENTITY, np.int64)
    if table.identity is not None:
        for cluster in range(len(number)):
            identity[cluster] = majority(table.identity[rows[member == cluster]])
    return Side(number, size, identity, unit_rows(total))


def majority(identity: Ints | Sequence[int]) -> int:
    """The most frequent identity among the known, the smallest of several; UNKNOWN_IDENTITY if none is known.

    >>> majority([3, 1, 1, -1, -1, -1]), majority([-1])
    (1, -1)
    """
    values = np.asarray(identity)
    known, counts = np.unique(values[values != UNKNOWN_IDENTITY], return_counts=True)
    return int(known[counts.argmax()]) if len(known) else UNKNOWN_IDENTITY
