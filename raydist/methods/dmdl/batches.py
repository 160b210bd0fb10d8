"""Batches in which both modalities show the same classes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from raydist.data.samplers import identity_batches
from raydist.methods.method import MethodContext
from raydist.types import NOISE, Ints, Labels, Modality


def paired_batches(
    labels: Mapping[Modality, Labels], context: MethodContext, iterations: int, rng: Generator
) -> Ints:
    """P classes that both modalities have, and K tracklets of each in each modality.

    Args:
        labels: int64 [N] for each modality, in one label space; NOISE on rows of the other.
        context: P, K and the cameras.
        iterations: number of batches.
        rng: where chance comes from.

    Returns:
        int64 [iterations, 2 P K], the visible half first; both halves show the same classes in the same
        order.

    Raises:
        ClusteringError: no class is in both modalities.
    """
    visible, infrared = (labels[m] for m in Modality)
    num_instances, camera = context.num_instances, context.tracklets.camera
    visible_half = identity_batches(
        np.where(np.isin(visible, infrared), visible, NOISE),
        num_identities=context.num_identities[Modality.VISIBLE],
        num_instances=num_instances, iterations=iterations, rng=rng, groups=camera,
    )  # fmt: skip
    classes = visible[visible_half[:, ::num_instances]]
    infrared_half = np.empty((*classes.shape, num_instances), np.int64)
    for label in np.unique(classes):
        groups = classes == label
        infrared_half[groups] = identity_batches(
            np.where(infrared == label, infrared, NOISE), num_identities=1,
            num_instances=num_instances, iterations=int(groups.sum()), rng=rng, groups=camera,
        )  # fmt: skip
    return np.concatenate([visible_half, infrared_half.reshape(iterations, -1)], axis=1)
