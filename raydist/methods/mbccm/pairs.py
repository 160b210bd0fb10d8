"""Batches of linked clusters, place by place: how they are drawn, and what their losses see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.sparse import csr_array
from torch import Tensor

from raydist.data.samplers import draw_instances, identity_batches, rows_by_label
from raydist.methods.common.labels import ClusterArrays, at
from raydist.methods.method import MethodContext
from raydist.methods.steps import Batch
from raydist.types import Ints, Labels, Modality


@dataclass(frozen=True, kw_only=True)
class LinkedArrays(ClusterArrays):
    """The clusters of each modality, and which of them belong together.

    Attributes:
        linked: boolean CSR [C_v, C_i], without an empty row or column.
    """

    linked: csr_array

    def links_of(self, modality: Modality) -> csr_array:
        """Boolean CSR: for each cluster of a modality those of the other one that it is linked with."""
        return self.linked if modality == Modality.VISIBLE else csr_array(self.linked.T.tocsr())


@dataclass(frozen=True)
class PairedClips:
    """The clips of a batch of `linked_batches`; those of the same place are of linked clusters.

    Attributes:
        features: [V', B / 2, D] unit features for each modality, in the V' views that its clips have.
        raw: the same before they were normalised, where the optimizer step asks for them.
        labels: int64 [B / 2], the visible and the infrared cluster of each place.
    """

    features: Mapping[Modality, Tensor]
    raw: Mapping[Modality, Tensor]
    labels: Mapping[Modality, Tensor]

    @classmethod
    def of(cls, batch: Batch, labels: Mapping[Modality, Labels]) -> PairedClips:
        """The halves of a batch, the visible one first.

        Args:
            batch: clips of both modalities.
            labels: int64 [N] for each modality.
        """
        half = len(batch.rows) // 2
        places = {Modality.VISIBLE: slice(half), Modality.INFRARED: slice(half, None)}
        raw = {} if batch.raw is None else {m: batch.views_of(m, batch.raw)[:, places[m]] for m in Modality}
        return cls(
            {m: batch.views_of(m)[:, places[m]] for m in Modality},
            raw,
            {m: at(labels[m], batch.rows[places[m]]) for m in Modality},
        )


def linked_batches(arrays: LinkedArrays, context: MethodContext, iterations: int, rng: Generator) -> Ints:
    """P pairs of linked clusters and K tracklets of each cluster, whatever their cameras.

    Half of the pairs (of an odd number the smaller half) are drawn from the infrared clusters, each with one
    of the visible clusters that it is linked with; the others the other way.

    Args:
        arrays: clusters and links.
        context: P, the same for both modalities, and K.
        iterations: number of batches.
        rng: where chance comes from.

    Returns:
        int64 [iterations, 2 P K], the visible half first; both clusters of a pair have the same places.

    Raises:
        ClusteringError: a modality has no cluster.
    """
    num_pairs, num_instances = context.num_identities[Modality.VISIBLE], context.num_instances
    parts: dict[Modality, list[Ints]] = {m: [] for m in Modality}
    counts = {Modality.INFRARED: num_pairs // 2, Modality.VISIBLE: num_pairs - num_pairs // 2}
    for source, count in counts.items():
        rows = identity_batches(
            arrays.own[source], num_identities=count, num_instances=num_instances, iterations=iterations,
            rng=rng,
        )  # fmt: skip
        clusters = arrays.own[source][rows[:, ::num_instances]]
        linked = one_of_each(arrays.links_of(source), clusters, rng)
        parts[source].append(rows)
        members = rows_by_label(arrays.own[source.other])
        drawn = [
            draw_instances(members[cluster], num_instances, rng=rng, groups=None)
            for cluster in linked.ravel().tolist()
        ]
        parts[source.other].append(np.array(drawn, np.int64).reshape(rows.shape))
    return np.concatenate([part for m in Modality for part in parts[m]], axis=1)


def one_of_each(links: csr_array, rows: Ints, rng: Generator) -> Ints:
    """A column at random, each as likely, among those that are stored in a row.

    Args:
        links: CSR [R, C].
        rows: int64 [...], none of them empty.
        rng: where chance comes from.

    Returns:
        int64 [...], a column for each.

    >>> links = csr_array(np.array([[False, True], [True, False]]))
    >>> one_of_each(links, np.array([1, 0, 0]), np.random.default_rng(0)).tolist()
    [0, 1, 1]
    """
    first, stop = links.indptr[rows], links.indptr[rows + 1]
    columns: Ints = links.indices[rng.integers(first, stop)].astype(np.int64)
    return columns
