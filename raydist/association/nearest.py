"""Nearest-centre matching: each cluster goes to the most similar one of the other modality, many to one."""

from __future__ import annotations

import numpy as np

from raydist.association.progressive import UNMATCHED, ClusterMatching
from raydist.neighbours.search.exact import similarities
from raydist.types import Floats, Ints


def nearest_matching(visible: Floats, infrared: Floats) -> ClusterMatching:
    """For every cluster the most similar cluster of the other modality.

    DMDL (arXiv 2512.03745) does so, and MMM's published code.

    Several clusters may take the same partner, which is what mends a person whose tracklets fell into several
    clusters; and a cluster may be the partner of none. Neither direction follows from the other. Ties go to
    the smaller number.

    Args:
        visible: float32 [C_v, D] unit centroids.
        infrared: float32 [C_i, D].

    Returns:
        Partners of both sides; all `UNMATCHED` when either side is empty.

    Raises:
        FeatureError: a value is not finite, or the widths differ.

    >>> x = np.eye(3, dtype=np.float32)
    >>> [partners.tolist() for partners in nearest_matching(x[[0, 1, 1]], x[[1, 0]])]
    [[1, 0, 0], [1, 0]]
    """
    across = similarities(visible, infrared)
    return ClusterMatching(_best(across, len(visible)), _best(across.T, len(infrared)))


def _best(similarity: np.ndarray, count: int) -> Ints:
    return similarity.argmax(axis=1) if similarity.size else np.full(count, UNMATCHED, np.int64)
