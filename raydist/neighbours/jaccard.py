"""The sparse graph of small Jaccard distances, and the whole way from features to it.

J_ij = 1 - s_ij / (2 - s_ij) with s_ij the sum over g of min(V_ig, V_jg), since both rows sum to 1 (Zhong et al., CVPR
2017, Eq. 10). Only pairs whose supports overlap have a distance below 1, and an inverted index finds them: no N x N
matrix is ever made.

Ties: with k2 = 6 the distance 0.5 is exact for whole groups of pairs, and with k2 = 4 the distance 0.4, so float32
rounding would decide on them. A pair is therefore within eps when its distance is <= eps + `TIE_TOLERANCE`, everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array, vstack

from raydist.errors import ConfigError
from raydist.neighbours.distance import DistanceSpec, RankedLists, join_lists
from raydist.neighbours.reciprocal import expand_rows, reciprocal_sets, v_rows
from raydist.neighbours.search import Ranked, merge_topk, shard_topk, shard_topk_by_group
from raydist.neighbours.slabs import map_slabs, row_slabs
from raydist.types import Floats, Ints, check_features

TIE_TOLERANCE = 1e-6
"""Distances up to eps + this are within eps."""


@dataclass(frozen=True)
class Edges:
    """Pairs of rows and their distance; an absent pair is farther than the graph's eps_max, 1.0 if nothing is shared.

    Attributes:
        i: int32 [E].
        j: int32 [E], j > i; pairs ascend by (i, j).
        distance: float32 [E], in [0, 1]; zeros are kept.
    """

    i: NDArray[np.int32]
    j: NDArray[np.int32]
    distance: Floats

    def __len__(self) -> int:
        return len(self.i)

    def cut(self, eps: float) -> Edges:
        """The pairs within eps, ties included."""
        return self.take(self.distance <= eps + TIE_TOLERANCE)

    def take(self, chosen: NDArray[np.bool_]) -> Edges:
        """The pairs where a mask [E] is true."""
        return Edges(self.i[chosen], self.j[chosen], self.distance[chosen])

    def matrix(self, num_rows: int) -> csr_array:
        """The symmetric float32 CSR [N, N], without a diagonal; a stored 0 is a distance of 0."""
        ends = (np.concatenate((self.i, self.j)), np.concatenate((self.j, self.i)))
        return coo_array((np.tile(self.distance, 2), ends), shape=(num_rows, num_rows)).tocsr()

    @staticmethod
    def join(parts: Sequence[Edges]) -> Edges:
        """The pairs of all rows, out of those of consecutive slabs."""
        return Edges(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("i", "j", "distance")))


def jaccard_edges(rows: Ints, v: csr_array, *, eps_max: float, inverted: csc_array | None = None) -> Edges:
    """The pairs (i, j > i) within eps_max whose smaller row is one of the given rows.

    Args:
        rows: int64 [r] ascending.
        v: float32 CSR [N, N], V of all rows after query expansion.
        eps_max: the largest eps that will ever be asked for, in (0, 1]. At 1 every pair that shares anything is kept.
        inverted: ``v.tocsc()``; made here when None. Give it where one process computes several slabs.

    Raises:
        ConfigError: eps_max is out of range.
    """
    if not 0 < eps_max <= 1:
        raise ConfigError(f"eps_max = {eps_max}: a Jaccard distance lies in (0, 1]")
    index = v.tocsc() if inverted is None else inverted
    i, j, distance = _overlaps(
        rows, v.indptr, v.indices, v.data, index.indptr, index.indices, index.data, eps_max + TIE_TOLERANCE
    )  # fmt: skip
    order = np.lexsort((j, i))
    return Edges(i[order], j[order], distance[order])


def search_lists(
    queries: Ints, shard: Ints, features: tuple[Floats, Floats], spec: DistanceSpec, group: tuple[Ints, Ints] | None
) -> tuple[Ranked, Ranked]:
    """The neighbours of some rows in one shard, within and across groups, the rows themselves left out.

    Args:
        queries: int64 [q], rows that search.
        shard: int64 [m], rows of the shard.
        features: float32 [q, D] of the queries and float32 [m, D] of the shard.
        spec: the distance.
        group: int64 [q] and int64 [m], their cameras or modalities; None for the plain distance.

    Returns:
        The lists within and across; merge those of all shards by `merge_lists`.
    """
    if group is None:
        within = shard_topk(*features, k=spec.num_within, shard_ids=shard, exclude=queries)
        return within, (np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0)))
    return shard_topk_by_group(
        *features, num_within=spec.num_within, num_across=spec.num_across,
        query_group=group[0], shard_group=group[1], shard_ids=shard, exclude=queries,
    )  # fmt: skip


def merge_lists(parts: Sequence[tuple[Ranked, Ranked]], spec: DistanceSpec) -> tuple[Ranked, Ranked]:
    """The neighbours of some rows in all shards, out of those in each."""
    within, across = zip(*parts, strict=True)
    return merge_topk(within, k=spec.num_within), merge_topk(across, k=spec.num_across)


def jaccard_graph(
    features: Floats,
    spec: DistanceSpec,
    *,
    modality: NDArray[np.int8] | None = None,
    camera: NDArray[np.generic] | None = None,
    eps_max: float = 0.8,
    num_slabs: int = 1,
    threads: int = 1,
) -> Edges:
    """The graph of small Jaccard distances, in one process, step by step as shards compute it.

    Args:
        features: float32 [N, D], rows of unit length.
        spec: the distance.
        modality: int8 [N] of `Modality`, for the modality-aware distance.
        camera: [N] of any sortable type, for the camera-aware distance.
        eps_max: see `jaccard_edges`.
        num_slabs: into how many slabs the rows are cut; changes memory, never the result.
        threads: how many slabs are worked on at once; changes time, never the result.

    Raises:
        FeatureError: a value is not finite, or a row is not of unit length.
        ConfigError: the distance needs modalities or cameras that are not given, or eps_max is out of range.

    >>> x = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> edges = jaccard_graph(x, DistanceSpec.plain(k1=2, k2=1), eps_max=0.6)
    >>> edges.i.tolist(), edges.j.tolist(), edges.distance.tolist()
    ([0], [1], [0.0])
    """
    check_features(features)
    group = _groups(spec, modality, camera, len(features))
    slabs = row_slabs(len(features), num_slabs)
    lists = _all_lists(features, spec, group, slabs, threads)

    def encode(rows: Ints) -> csr_array:
        return v_rows(reciprocal_sets(rows, lists.tables, half=spec.half), features[rows], features)

    v = vstack(map_slabs(encode, slabs, threads=threads), format="csr")
    expanded = vstack(
        map_slabs(lambda rows: expand_rows(lists.seats[rows], lists.shares[rows], v), slabs, threads=threads), format="csr"
    )
    inverted = expanded.tocsc()
    return Edges.join(
        map_slabs(lambda rows: jaccard_edges(rows, expanded, eps_max=eps_max, inverted=inverted), slabs, threads=threads)
    )


def _all_lists(features: Floats, spec: DistanceSpec, group: Ints | None, slabs: list[Ints], threads: int) -> RankedLists:
    def search(rows: Ints) -> tuple[Ranked, Ranked]:
        parts = [
            search_lists(
                rows, shard, (features[rows], features[shard]), spec, None if group is None else (group[rows], group[shard])
            )
            for shard in slabs
        ]
        return merge_lists(parts, spec)

    return join_lists(spec, slabs, map_slabs(search, slabs, threads=threads))


def _groups(
    spec: DistanceSpec, modality: NDArray[np.int8] | None, camera: NDArray[np.generic] | None, num_rows: int
) -> Ints | None:
    if spec.group is None:
        return None
    values = camera if spec.group == "camera" else modality
    if values is None or len(values) != num_rows:
        given = "none" if values is None else f"{len(values)} values"
        raise ConfigError(f"the {spec.name} distance needs the {spec.group} of each of {num_rows} rows: {given} given")
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


@njit(nogil=True, cache=True)
def _first_after(values, low, high, value):  # type: ignore[no-untyped-def]
    while low < high:
        middle = (low + high) >> 1
        if values[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def _doubled(values, used):  # type: ignore[no-untyped-def]
    longer = np.empty(2 * values.size, values.dtype)
    longer[:used] = values[:used]
    return longer


@njit(nogil=True, cache=True)
def _overlaps(rows, bounds, columns, weights, starts, owners, shares, limit):  # type: ignore[no-untyped-def]
    """Add up min(V_ig, V_jg) over the columns g of each row i for all j > i, and emit the pairs within the limit."""
    num_rows = bounds.size - 1
    overlap = np.zeros(num_rows)
    touched = np.empty(num_rows, np.int32)
    left, right = np.empty(1024, np.int32), np.empty(1024, np.int32)
    distance = np.empty(1024, np.float32)
    used = 0
    for i in rows:
        count = 0
        for t in range(bounds[i], bounds[i + 1]):
            g = columns[t]
            stop = starts[g + 1]
            for p in range(_first_after(owners, starts[g], stop, i), stop):
                j = owners[p]
                if overlap[j] == 0:
                    touched[count] = j
                    count += 1
                overlap[j] += min(weights[t], shares[p])
        for a in range(count):
            j = touched[a]
            d = np.float32(max(0.0, 1 - overlap[j] / (2 - overlap[j])))
            overlap[j] = 0
            if d <= limit:
                if used == left.size:
                    left, right, distance = _doubled(left, used), _doubled(right, used), _doubled(distance, used)
                left[used], right[used], distance[used] = i, j, d
                used += 1
    return left[:used].copy(), right[:used].copy(), distance[:used].copy()
