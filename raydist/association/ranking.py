"""Collaborative ranking association: the nearest neighbours by two features of an image agree on its label.

SDCL (Yang et al., Shallow-Deep Collaborative Learning for Unsupervised Visible-Infrared Person
Re-Identification, CVPR 2024), which HIL starts from. Of the labels of a row's k nearest rows of
the other modality by one feature, it takes that which most of its k nearest by the other feature have. Then
the row and its nearest rows of its own modality vote. Noise is a label like others here.
"""

from __future__ import annotations

import numpy as np

from raydist.errors import FeatureError
from raydist.neighbours.jaccard.slabs import small_slabs
from raydist.types import Ints, Labels


def agreed_labels(first: Labels, last: Labels) -> Labels:
    """Of a row's labels by the first branch that which is most frequent among those by the last branch.

    Args:
        first: int64 [n, k], labels of the k nearest others by the first branch, the nearest first.
        last: int64 [n, j], those by the last branch.

    Returns:
        int64 [n]; of equally frequent ones that of the nearest other.

    Raises:
        FeatureError: there are no others, or the rows differ in number.

    >>> agreed_labels(np.array([[5, 3, 4]]), np.array([[3, 4, 3]])).tolist()
    [3]
    """
    if len(first) != len(last) or not (first.shape[1] and last.shape[1]):
        raise FeatureError(
            f"labels {first.shape} by the first branch, {last.shape} by the last: expected as many rows, and "
            "at least one other row of the other modality for each"
        )
    agreed = np.empty(len(first), np.int64)
    for rows in small_slabs(len(first)):
        frequent = _counts(first[rows], last[rows]).argmax(axis=1)
        agreed[rows] = np.take_along_axis(first[rows], frequent[:, None], axis=1)[:, 0]
    return agreed


def majority(votes: Labels) -> Labels:
    """The most frequent label of each line of [n, k], of equally frequent ones the smallest.

    Args:
        votes: int64 [n, k], k >= 1.

    >>> majority(np.array([[4, 7, 7], [2, 1, 0]])).tolist()
    [7, 0]
    """
    winners = np.empty(len(votes), np.int64)
    largest = np.iinfo(votes.dtype).max
    for rows in small_slabs(len(votes)):
        counts = _counts(votes[rows], votes[rows])
        most = counts == counts.max(axis=1, keepdims=True)
        winners[rows] = np.where(most, votes[rows], largest).min(axis=1)
    return winners


def _counts(labels: Labels, others: Labels) -> Ints:
    """How many of the others [n, j] in its line each label [n, k] is equal to: int64 [n, k]."""
    counts: Ints = (labels[:, :, None] == others[:, None, :]).sum(axis=2)
    return counts
