"""Batches for the refinement stage, in which infrared tracklets without a cluster have a place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from raydist.data.samplers import identity_batches, tracklet_batches
from raydist.methods.method import MethodContext
from raydist.types import NOISE, Ints, Labels, Modality


def refinement_batches(
    labels: Mapping[Modality, Labels],
    context: MethodContext,
    iterations: int,
    rng: np.random.Generator,
    *,
    outliers: float,
) -> Ints:
    """P clusters of K tracklets of each modality; some infrared places are given to outliers.

    Args:
        labels: int64 [N] for each modality: its clusters, NOISE on outliers and on rows of the other.
        context: P, K and the tracklets.
        iterations: batches.
        rng: where chance comes from.
        outliers: at most this share of the infrared half, in [0, 1), and no more than outliers have of the infrared
            tracklets; rounded to whole groups of K.

    Returns:
        int64 [iterations, 2 P K], the visible half first, outliers last.
    """
    rows, camera = context.rows(Modality.INFRARED), context.tracklets.camera
    strays = rows[labels[Modality.INFRARED][rows] == NOISE]
    given = min(
        round(context.num_identities * min(outliers, len(strays) / len(rows))), context.num_identities - 1
    )
    places = {Modality.VISIBLE: context.num_identities, Modality.INFRARED: context.num_identities - given}
    parts = [
        identity_batches(
            labels[modality], num_identities=number, num_instances=context.num_instances,
            iterations=iterations, rng=rng, groups=camera,
        )
        for modality, number in places.items()
    ]  # fmt: skip
    if given:
        view, batch = context.tracklets.view[strays], given * context.num_instances
        parts.append(strays[tracklet_batches(view, batch=batch, iterations=iterations, rng=rng)])
    return np.concatenate(parts, axis=1)
