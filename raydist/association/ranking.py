"""Collaborative ranking association: the nearest neighbours by two features of an image agree on its label.

SDCL (Yang et al., Shallow-Deep Collaborative Learning for Unsupervised Visible-Infrared Person
Re-Identification, CVPR 2024), whose public code HIL starts from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raydist.errors import ConfigError, FeatureError
from raydist.neighbours.search.lists import shard_topk, top_k
from raydist.types import Floats, Ints, Labels


def ranking_association(
    features: Sequence[Floats],
    others: Sequence[Floats],
    labels: Labels,
    *,
    num_neighbours: int,
    num_voters: int,
) -> Labels:
    """The label of the other modality that each row receives.

    Of the labels of a row's k nearest others by the first branch, it takes that which most of its k nearest
    others by the last branch have, of equal ones the nearest. Then the row and its nearest rows of its own
    modality, by both branches together, vote; of equal votes the smallest label wins. Noise is a label like
    others here.

    Args:
        features: float32 [n, D] unit rows of one modality, one table a branch, deep before shallow.
        others: float32 [m, D] unit rows of the other modality.
        labels: int64 [m], the clusters of the others.
        num_neighbours: k, at least 1; all others where there are fewer.
        num_voters: rows that vote, the row itself among them, at least 1; 1 leaves labels as they are.

    Returns:
        int64 [n] of the labels, `NOISE` among them.

    Raises:
        ConfigError: a number below 1.
        FeatureError: there are no others, not one label each, or the branches differ in number.

    >>> x = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    >>> labels = np.array([4, 4, 7])
    >>> ranking_association([x], [x], labels, num_neighbours=2, num_voters=1).tolist()
    [4, 4, 7]
    """
    if min(num_neighbours, num_voters) < 1:
        raise ConfigError(f"{num_neighbours} neighbours, {num_voters} voters: at least 1 of each is needed")
    if len(features) != len(others) or not len(labels) or any(len(x) != len(labels) for x in others):
        raise FeatureError(
            f"{len(features)} branches for {len(others)}, {[len(x) for x in others]} rows for {len(labels)} "
            "labels: expected as many branches, and one label for each of the other modality's rows"
        )
    ids = np.arange(len(labels))
    near = [
        labels[shard_topk(x, y, k=num_neighbours, shard_ids=ids)[0]]
        for x, y in ((features[0], others[0]), (features[-1], others[-1]))
    ]
    agreeing = _counts(near[0], near[1]).argmax(axis=1)
    chosen = near[0][np.arange(len(agreeing)), agreeing]
    together = np.concatenate(features, axis=1) / np.float32(len(features) ** 0.5)
    voters, _ = top_k(together, k=num_voters)
    return _majority(chosen[voters])


def _counts(labels: Labels, others: Labels) -> Ints:
    """How many of the others [n, j] in its line each label [n, k] is equal to: int64 [n, k]."""
    counts: Ints = (labels[:, :, None] == others[:, None, :]).sum(axis=2)
    return counts


def _majority(votes: Labels) -> Labels:
    """The most frequent label of each line of [n, k], of equally frequent ones the smallest."""
    counts = _counts(votes, votes)
    largest = np.iinfo(votes.dtype).max
    winners: Labels = np.where(counts == counts.max(axis=1, keepdims=True), votes, largest).min(axis=1)
    return winners
