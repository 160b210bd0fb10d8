"""Batches of both modalities, the visible tracklets first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from raydist.data.samplers import identity_batches, tracklet_batches
from raydist.errors import ConfigError
from raydist.methods.method import MethodContext
from raydist.types import Ints, Labels, Modality


def cluster_batches(
    labels: Mapping[Modality, Labels],
    context: MethodContext,
    iterations: int,
    rng: Generator,
    *,
    by_camera: bool = True,
) -> Ints:
    """P clusters of K tracklets of each modality in every batch, from several cameras where there are.

    Args:
        labels: int64 [N] for each modality; NOISE on rows of the other.
        context: P, K and the cameras.
        iterations: number of batches.
        rng: where chance comes from.
        by_camera: whether tracklets of other cameras than the first one's are preferred.

    Returns:
        int64 [iterations, (P_v + P_i) K], the visible clips first.
    """
    num_instances = context.num_instances
    camera = context.tracklets.camera if by_camera else None
    halves = [
        identity_batches(
            labels[modality], num_identities=context.num_identities[modality], num_instances=num_instances,
            iterations=iterations, rng=rng, groups=camera,
        )
        for modality in Modality
    ]  # fmt: skip
    return np.concatenate(halves, axis=1)


def tracklet_batches_of_both(context: MethodContext, iterations: int, rng: Generator) -> Ints:
    """P K tracklets of each modality in every batch, whatever their clusters, from several camera views.

    Args:
        context: P, K and the camera views.
        iterations: number of batches.
        rng: where chance comes from.

    Returns:
        int64 [iterations, (P_v + P_i) K], the visible clips first.
    """
    view, halves = context.tracklets.view, []
    for modality in Modality:
        rows, num_clips = context.rows(modality), context.num_identities[modality] * context.num_instances
        halves.append(rows[tracklet_batches(view[rows], batch=num_clips, iterations=iterations, rng=rng)])
    return np.concatenate(halves, axis=1)


def require_equal(num_identities: Mapping[Modality, int], *, because: str) -> None:
    """Refuse batches of more classes of one modality than of the other.

    Args:
        num_identities: P of each modality.
        because: which method needs as many, and from when on.

    Raises:
        ConfigError: P differs.
    """
    visible, infrared = (num_identities[m] for m in Modality)
    if visible != infrared:
        raise ConfigError(
            f"train.batch_identities = {{visible: {visible}, infrared: {infrared}}}: {because}, so give one "
            "number for both"
        )
