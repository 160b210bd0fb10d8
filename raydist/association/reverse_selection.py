"""Reverse selection: labels cross the modalities only where sample and prototype choose each other.

The transfer of BRST, bidirectional reverse selection transmission (HIL, arXiv 2509.11587). A sample chooses
its most similar prototype of the other modality. It keeps the label if the prototype would choose it too, or
nearly so: if it comes close to the best that the prototype finds anywhere. Swapping the modalities gives the
other direction.
"""

from __future__ import annotations

import numpy as np

from raydist.errors import ConfigError, FeatureError
from raydist.types import NOISE, Floats, Labels

_BLOCK = 4096
"""Rows whose similarities to all prototypes are in memory at a time."""


def reverse_selection(features: Floats, prototypes: Floats, labels: Labels, *, threshold: float) -> Labels:
    """The prototype that each clustered sample receives its label from.

    With m_k = max_j cos(c_k, f_j) over all samples, noise included, and k* = argmax_k cos(c_k, f_j):
    sample j is labelled k* iff cos(c_k*, f_j) >= t m_k*.

    Args:
        features: float32 [N, D] of one modality, of any length; a zero row is at cosine 0 to everything.
        prototypes: float32 [C, D], cluster centroids of the other modality, of any length.
        labels: int64 [N], the samples' clusters in their own modality; noise stays noise.
        threshold: t, 0 to 1: from every sample at no negative cosine to its choice, to none but a prototype's
            best match. A prototype whose best cosine is negative selects no row below t = 1.

    Returns:
        int64 [N] in 0..C-1, or NOISE: not clustered, or not selected. Of equally similar prototypes the first
        counts.

    Raises:
        ConfigError: the threshold is not within 0 to 1.
        FeatureError: the widths differ, or there is not one label a sample.

    >>> x = np.array([[1, 0], [1, 1], [0, 1]], np.float32)
    >>> reverse_selection(x, np.eye(2, dtype=np.float32)[:1], np.zeros(3, np.int64), threshold=0.5).tolist()
    [0, 0, -1]
    """
    if not 0 <= threshold <= 1:
        raise ConfigError(f"threshold = {threshold}: give a share of a prototype's best similarity, 0 to 1")
    if features.shape[1] != prototypes.shape[1] or len(features) != len(labels):
        raise FeatureError(
            f"features {features.shape}, prototypes {prototypes.shape}, {len(labels)} labels: "
            "expected one width and one label a sample"
        )
    if not len(prototypes):
        return np.full(len(features), NOISE)
    columns = _unit(prototypes).T
    chosen, similarity = np.empty(len(features), np.int64), np.empty(len(features))
    best = np.full(len(prototypes), -np.inf)
    for start in range(0, len(features), _BLOCK):
        rows = slice(start, start + _BLOCK)
        cosine = _unit(features[rows]) @ columns
        chosen[rows], similarity[rows] = cosine.argmax(axis=1), cosine.max(axis=1)
        best = np.maximum(best, cosine.max(axis=0))
    selected = (labels != NOISE) & (similarity >= threshold * best[chosen])
    return np.where(selected, chosen, NOISE)


def _unit(rows: Floats) -> np.ndarray:
    """float64 rows of unit length; a zero row stays zero."""
    doubles = rows.astype(np.float64)
    length = np.linalg.norm(doubles, axis=1, keepdims=True)
    unit: np.ndarray = doubles / np.where(length > 0, length, 1)
    return unit
