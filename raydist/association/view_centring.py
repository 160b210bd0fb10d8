"""Features without what all tracklets of one view share, for similarities across cameras and modalities.

A camera's colours and a modality's rendering shift all features of a view alike. Without the mean of its
view, a feature tells how a person differs from the others that this camera saw. Centred features are for
finding partners; clusters, memories and losses take the features as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.errors import DataError
from raydist.types import Doubles, Floats, Ints

MIN_VIEW = 10
"""A view with fewer tracklets has no mean of its own to speak of."""

ZERO = 1e-6
"""A difference of unit features this short is rounding."""


def view_centres(sums: Doubles, counts: Ints, modality: NDArray[Any], *, min_view: int = MIN_VIEW) -> Doubles:
    """What the features of each view have in common: their mean.

    A view of fewer than `min_view` tracklets takes the mean of its modality.

    Args:
        sums: float64 [U, D], of the features of each view.
        counts: int64 [U], tracklets of each view, at least one.
        modality: [U], of each view.
        min_view: see above.

    Returns:
        float64 [U, D].

    Raises:
        DataError: the lengths differ, or a view has no tracklet.

    >>> view_centres(np.array([[4.0], [9.0]]), np.array([2, 1]), np.array([0, 0]), min_view=2).round(3)
    array([[2.   ],
           [4.333]])
    """
    if not len(sums) == len(counts) == len(modality) or not counts.all():
        raise DataError(
            f"{len(sums)} sums, {counts.tolist()} tracklets a view, {len(modality)} modalities: expected as "
            "many of each, and no view without tracklets"
        )
    centres = sums / counts[:, None]
    for view in np.flatnonzero(counts < min_view):
        mates = modality == modality[view]
        centres[view] = sums[mates].sum(axis=0) / counts[mates].sum()
    return centres


def off_centre(features: Floats, view: Ints, *, centres: Doubles) -> Floats:
    """Take the mean of its view off every feature: norm(f_i - centre of the view of i).

    Args:
        features: float32 [N, K, D].
        view: int64 [N], the (modality, camera) of each tracklet.
        centres: float64 [U, D].

    Returns:
        float32 [N, K, D], rows of unit length; a feature that is the centre itself becomes zero.

    >>> x, view = np.float32([[[1, 0]], [[0, 0.5]]]), np.array([0, 0])
    >>> off_centre(x, view, centres=np.array([[0, 0.5]])).round(3)
    array([[[ 0.894, -0.447]],
    <BLANKLINE>
           [[ 0.   ,  0.   ]]], dtype=float32)
    """
    difference = features - centres[view][:, None]
    length = np.linalg.norm(difference, axis=-1, keepdims=True)
    return (difference / np.where(length > ZERO, length, np.inf)).astype(np.float32)
