"""Reverse selection: labels cross the modalities only where sample and prototype choose each other.

The transfer of BRST, bidirectional reverse selection transmission (HIL, arXiv 2509.11587). A sample chooses
its most similar prototype of the other modality. It keeps the label if the prototype would choose it too, or
nearly so: if it comes close to the best that the prototype finds anywhere. Swapping the modalities gives the
other direction.
"""

from __future__ import annotations

import numpy as np

from raydist.errors import ConfigError, FeatureError
from raydist.types import NOISE, Doubles, Ints, Labels


def reverse_selection(
    chosen: Ints, similarity: Doubles, best: Doubles, labels: Labels, *, threshold: float
) -> Labels:
    """The prototype that each clustered sample receives its label from.

    With m_k = max_j cos(c_k, f_j) over all samples, noise included, and k* = argmax_k cos(c_k, f_j):
    sample j is labelled k* iff cos(c_k*, f_j) >= t m_k*.

    Args:
        chosen: k*, int64 [n], of the samples of one modality.
        similarity: cos(c_k*, f_j), float64 [n].
        best: m_k, float64 [C], of the prototypes of the other modality.
        labels: int64 [n], the samples' clusters in their own modality; noise stays noise.
        threshold: t, 0 to 1: from every sample at no negative cosine to its choice, to none but a prototype's
            best match. A prototype whose best cosine is negative selects no row below t = 1.

    Returns:
        int64 [n] in 0..C-1, or NOISE: not clustered, or not selected.

    Raises:
        ConfigError: the threshold is not within 0 to 1.
        FeatureError: there is not one label a sample.

    >>> similarity, best, labels = np.array([1.0, 0.7, 0.0]), np.array([1.0]), np.array([4, 4, 4])
    >>> reverse_selection(np.array([0, 0, 0]), similarity, best, labels, threshold=0.5).tolist()
    [0, 0, -1]
    """
    if not 0 <= threshold <= 1:
        raise ConfigError(f"threshold = {threshold}: give a share of a prototype's best similarity, 0 to 1")
    if not len(chosen) == len(similarity) == len(labels):
        raise FeatureError(
            f"{len(chosen)} choices, {len(similarity)} similarities, {len(labels)} labels: expected one each "
            "for a sample"
        )
    near = similarity >= threshold * best[chosen]
    selected: Labels = np.where((labels != NOISE) & near, chosen, NOISE)
    return selected
