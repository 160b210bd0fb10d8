"""Batches for the refinement stage, in which infrared tracklets without a cluster have a share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from raydist.data.samplers import identity_batches, tracklet_batches
from raydist.methods.method import MethodContext
from raydist.types import NOISE, Ints, Labels, Modality


def refinement_batches(
    labels: Mapping[Modality, Labels],
    context: MethodContext,
    iterations: int,
    rng: Generator,
    *,
    outliers: float,
) -> Ints:
    """P clusters of K tracklets of each modality, some infrared clusters replaced by outliers.

    Args:
        labels: int64 [N] for each modality: its clusters, NOISE on outliers and on rows of the other.
        context: P, K and the tracklets.
        iterations: number of batches.
        rng: where chance comes from.
        outliers: at most this share of the infrared half, in [0, 1), and no more than outliers have of the
            infrared tracklets; rounded to whole groups of K.

    Returns:
        int64 [iterations, (P_v + P_i) K], the visible clips first, outliers last.
    """
    rows, camera = context.rows(Modality.INFRARED), context.tracklets.camera
    outlier_rows = rows[labels[Modality.INFRARED][rows] == NOISE]
    share = min(outliers, len(outlier_rows) / len(rows))
    num_visible, num_infrared = (context.num_identities[m] for m in Modality)
    num_groups = min(round(num_infrared * share), num_infrared - 1)
    num_clusters = {Modality.VISIBLE: num_visible, Modality.INFRARED: num_infrared - num_groups}
    parts = [
        identity_batches(
            labels[modality], num_identities=number, num_instances=context.num_instances,
            iterations=iterations, rng=rng, groups=camera,
        )
        for modality, number in num_clusters.items()
    ]  # fmt: skip
    if num_groups:
        view, batch = context.tracklets.view[outlier_rows], num_groups * context.num_instances
        drawn = tracklet_batches(view, batch=batch, iterations=iterations, rng=rng)
        parts.append(outlier_rows[drawn])
    return np.concatenate(parts, axis=1)
