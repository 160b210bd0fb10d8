"""Features without what all tracklets of one camera view share."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.association.view_centring import MIN_VIEW, off_centre, view_centres
from raydist.data.training_set import TrainingSet
from raydist.memories.exact_sums import SCALE
from raydist.methods.epoch_features import EpochFeatures


def view_centred(
    features: EpochFeatures, tracklets: TrainingSet, *, min_view: int = MIN_VIEW
) -> EpochFeatures:
    """[N, K, D]: every feature without the mean of its view; see `raydist.association.view_centring`.

    Args:
        features: [N, K, D] unit features; the mean of a view is over all parts of its tracklets.
        tracklets: their views and modalities.
        min_view: a view of fewer tracklets takes the mean of its modality.
    """
    view, counts = tracklets.view, np.bincount(tracklets.view)
    sums = features.group_sums(view, len(counts)) / (SCALE * features.shape[1])
    centres = view_centres(sums, counts, view_modality(tracklets), min_view=min_view)
    return features.transformed(partial(off_centre, centres=centres), view)


def view_modality(tracklets: TrainingSet) -> NDArray[Any]:
    """int8 [U]: the modality of each view."""
    return tracklets.modality[np.unique(tracklets.view, return_index=True)[1]]
