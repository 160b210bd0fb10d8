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
from raydist.types import Floats, Ints

MIN_VIEW = 10
"""A view with fewer tracklets has no mean of its own to speak of."""

ZERO = 1e-6
"""A difference of unit features this short is rounding."""


def centred(
    features: Floats, view: Ints, *, modality: NDArray[Any] | None = None, min_view: int = MIN_VIEW
) -> Floats:
    """Take the mean of its view off every feature: norm(f_i - mean of f_j over j in the view of i).

    Args:
        features: float32 [N, D], or [N, K, D] for K sub-tracklets, whose view's mean is over all of them.
        view: int64 [N], the (modality, camera) of each tracklet.
        modality: [N]; a view of fewer than `min_view` tracklets takes the mean of its modality. None gives
            every view its own.
        min_view: see `modality`.

    Returns:
        float32 of the same shape, rows of unit length; a feature that is the mean itself becomes zero.

    Raises:
        DataError: the lengths differ.

    >>> x = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    >>> centred(x, np.array([0, 0, 1])).round(3)
    array([[ 0.707, -0.707],
           [-0.707,  0.707],
           [ 0.   ,  0.   ]], dtype=float32)
    """
    if features.ndim not in (2, 3) or any(
        len(column) != len(features) for column in (view, modality) if column is not None
    ):
        raise DataError(
            f"features {features.shape}, views {view.shape}: expected [N, D] or [N, K, D], "
            "and N views and modalities"
        )
    centred_features = np.empty_like(features)
    for one in np.unique(view):
        rows = view == one
        mates = rows if modality is None or rows.sum() >= min_view else modality == modality[rows][0]
        mean = features[mates].mean(axis=tuple(range(features.ndim - 1)), dtype=np.float64)
        difference = features[rows] - mean
        length = np.linalg.norm(difference, axis=-1, keepdims=True)
        centred_features[rows] = difference / np.where(length > ZERO, length, np.inf)
    return centred_features
