"""One-to-one matching of the clusters of two modalities, the assignment that image methods begin with."""

from __future__ import annotations

import numpy as np

from raydist.association.assignment import assign
from raydist.association.progressive import UNMATCHED, ClusterMatching
from raydist.types import Floats


def hungarian_matching(visible: Floats, infrared: Floats) -> ClusterMatching:
    """The pairs of clusters of the largest total similarity (Kuhn, "The Hungarian Method", 1955).

    Every cluster of the modality with fewer clusters gets a partner of its own; the others of the larger one
    stay without.

    Args:
        visible: float32 [C_v, D] unit centroids.
        infrared: float32 [C_i, D].

    Returns:
        Partners of both sides, `UNMATCHED` where there is none.

    Raises:
        FeatureError: a value is not finite, or the widths differ.

    >>> x = np.eye(3, dtype=np.float32)
    >>> [partners.tolist() for partners in hungarian_matching(x, x[[2, 0]])]
    [[1, -1, 0], [2, 0]]
    """
    of_visible = np.full(len(visible), UNMATCHED, np.int64)
    of_infrared = np.full(len(infrared), UNMATCHED, np.int64)
    rows, columns = assign(visible, infrared, lambda cosines: cosines)
    of_visible[rows], of_infrared[columns] = columns, rows
    return ClusterMatching(of_visible, of_infrared)
