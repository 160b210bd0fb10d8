"""Batches in which both modalities show the same classes, place by place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.random import Generator

from raydist.data.samplers import draw_instances, identity_batches
from raydist.errors import ClusteringError
from raydist.methods.method import MethodContext
from raydist.types import NOISE, Ints, Labels, Modality

Pairing = Literal["union-filled", "shared-only"]
"""Which classes have a place: those of either modality, or those of both."""


def paired_batches(
    pairing: Pairing,
    labels: Mapping[Modality, Labels],
    context: MethodContext,
    iterations: int,
    rng: Generator,
) -> Ints:
    """P classes and K tracklets of each in each modality.

    Args:
        pairing: which classes; see `union_batches` and `shared_batches`.
        labels: int64 [N] for each modality, in one label space; NOISE on rows of the other.
        context: P, K and the cameras.
        iterations: number of batches.
        rng: where chance comes from.

    Returns:
        int64 [iterations, 2 P K], the visible half first.

    Raises:
        ClusteringError: there is no class to draw from.
    """
    draw = union_batches if pairing == "union-filled" else shared_batches
    return draw(labels, context, iterations, rng)


def union_batches(
    labels: Mapping[Modality, Labels], context: MethodContext, iterations: int, rng: Generator
) -> Ints:
    """Batches of one list that holds each class of either modality once, as the published code draws them.

    In the place of a class that a modality lacks, that modality shows one of its own, drawn at random, under
    its own label. The list is drawn once, tracklets included; classes that fill no whole batch at its end are
    left out. When it is used up, the same batches come again.

    Args and errors: see `paired_batches`.
    """
    num_identities, num_instances = context.num_identities[Modality.VISIBLE], context.num_instances
    members = {m: _members(labels[m]) for m in Modality}
    places = rng.permutation(np.unique([label for of in members.values() for label in of]))
    if len(places) < num_identities:
        places = np.resize(places, num_identities)  # every class, again and again, fills the one batch
    num_batches = len(places) // num_identities
    halves = []
    for modality in Modality:
        own = np.array(list(members[modality]))
        shown = np.where(np.isin(places, own), places, rng.choice(own, len(places)))
        rows = [
            draw_instances(members[modality][label], num_instances, rng=rng, groups=context.tracklets.camera)
            for label in shown[: num_batches * num_identities].tolist()
        ]
        halves.append(np.array(rows, np.int64).reshape(num_batches, num_identities * num_instances))
    return np.concatenate(halves, axis=1)[np.arange(iterations) % num_batches]


def shared_batches(
    labels: Mapping[Modality, Labels], context: MethodContext, iterations: int, rng: Generator
) -> Ints:
    """Batches of classes that both modalities have; both halves show the same classes in the same order.

    Args and errors: see `paired_batches`.
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


def _members(labels: Labels) -> dict[int, Ints]:
    """The rows of each class of a modality, upwards."""
    clustered = np.flatnonzero(labels != NOISE)
    if not clustered.size:
        raise ClusteringError(f"no cluster to draw from: all {len(labels)} rows are noise")
    order = clustered[np.argsort(labels[clustered], kind="stable")]
    classes, first = np.unique(labels[order], return_index=True)
    return dict(zip(classes.tolist(), np.split(order, first[1:]), strict=True))
