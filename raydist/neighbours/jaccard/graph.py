"""The sparse graph of small Jaccard distances, and the whole way from features to it.

J_ij = 1 - s_ij / (2 - s_ij) with s_ij the sum over g of min(V_ig, V_jg), since both rows sum to 1 (Zhong et al., CVPR
2017, Eq. 10). Only pairs whose supports overlap have a distance below 1, and an inverted index finds them: no N x N
matrix is ever made. Overlaps are sums of whole numbers, exact in any order.

Ties: with k2 = 6 the distance 0.5 is exact for whole groups of pairs, and with k2 = 4 the distance 0.4, so rounding would
decide on them. A pair is therefore within eps when its distance is <= eps + `TIE_TOLERANCE`, everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.distances import DistanceSpec, RankedLists, join_lists
from raydist.neighbours.jaccard.locality import local_order
from raydist.neighbours.jaccard.reciprocal import UNIT, expand_rows, mutual_ranks, reciprocal_sets, v_rows
from raydist.neighbours.jaccard.slabs import (
    map_slabs,
    row_slabs,
    sparse_rows,
    stack_rows,
    unsigned,
    with_room,
    work_slabs,
)
from raydist.neighbours.search.backends import Search, exact_search
from raydist.neighbours.search.ranked import GroupedLists, merge_topk
from raydist.types import Floats, Ints, check_features

TIE_TOLERANCE = 1e-6
"""Distances up to eps + this are within eps."""

Watch = Callable[[str], AbstractContextManager[object]]
"""Called with the name of a stage; what it returns surrounds the stage: a clock, a progress bar, `nullcontext`."""


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

    def renamed(self, names: Ints) -> Edges:
        """The pairs when every row r is called ``names[r]``.

        Args:
            names: int64 [N], a permutation of 0..N-1.
        """
        i, j = names[self.i].astype(np.int32), names[self.j].astype(np.int32)
        ends = np.minimum(i, j), np.maximum(i, j)
        table = coo_array((self.distance, ends), shape=(len(names), len(names))).tocsr()
        return Edges._of_table(np.arange(len(names)), table)

    @staticmethod
    def join(parts: Sequence[Edges]) -> Edges:
        """The pairs of all rows, out of those of consecutive slabs."""
        return Edges(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("i", "j", "distance"))
        )

    @staticmethod
    def _of_table(rows: Ints, table: csr_array) -> Edges:
        """The entries of a matrix [r, N] whose rows are the given ones."""
        table.sort_indices()
        return Edges(np.repeat(rows.astype(np.int32), np.diff(table.indptr)), table.indices, table.data)


def jaccard_edges(
    rows: Ints, v: csr_array, *, eps_max: float, inverted: csc_array | None = None, threads: int = 1
) -> Edges:
    """The pairs (i, j > i) within eps_max whose smaller row is one of the given rows.

    Args:
        rows: int64 [r] ascending.
        v: int32 CSR [N, N], V of all rows after query expansion, in multiples of 1 / `UNIT`.
        eps_max: the largest eps that will ever be asked for, in (0, 1]. At 1 every pair that shares anything is kept.
        inverted: ``v.tocsc()``; made here when None. Give it where one process computes several slabs.
        threads: how many work at once; changes the time, never the result.

    Raises:
        ConfigError: eps_max is out of range.
    """
    if not 0 < eps_max <= 1:
        raise ConfigError(f"eps_max = {eps_max}: a Jaccard distance lies in (0, 1]")
    index = v.tocsc() if inverted is None else inverted
    table = v.indptr, unsigned(v.indices), v.data, index.indptr, unsigned(index.indices), index.data

    def part(slab: slice) -> Edges:
        bounds, j, distance = _overlaps(rows[slab], *table, eps_max + TIE_TOLERANCE)
        return Edges._of_table(rows[slab], sparse_rows(bounds, j, distance, num_columns=v.shape[1]))

    return Edges.join(map_slabs(part, work_slabs(len(rows), threads=threads), threads=threads))


def merge_lists(parts: Sequence[GroupedLists], spec: DistanceSpec) -> GroupedLists:
    """The neighbours of some rows in all shards, out of those in each."""
    within, across = zip(*parts, strict=True)
    return merge_topk(within, k=spec.num_within), merge_topk(across, k=spec.num_across)


@dataclass(frozen=True)
class Graph:
    """The graph of small distances, and how much was in between.

    Attributes:
        edges: the pairs.
        v_entries, expanded_entries: stored values of V before and after query expansion.
        searched: figures of the search.
    """

    edges: Edges
    v_entries: int
    expanded_entries: int
    searched: Mapping[str, float]


def jaccard_graph(
    features: Floats,
    spec: DistanceSpec,
    *,
    modality: NDArray[np.int8] | None = None,
    camera: NDArray[np.generic] | None = None,
    eps_max: float = 0.8,
    search: Search | None = None,
    num_slabs: int = 1,
    threads: int = 1,
    watch: Watch = nullcontext,
) -> Graph:
    """The graph of small Jaccard distances, in one process, step by step as shards compute it.

    The stages are ``search``, ``encode`` (sets and V), ``expand`` and ``edges``. Those after the search work on rows in
    `local_order`, which changes the time and never the result.

    Args:
        features: float32 [N, D], rows of unit length.
        spec: the distance.
        modality: int8 [N] of `Modality`, for the modality-aware distance.
        camera: [N] of any sortable type, for the camera-aware distance.
        eps_max: see `jaccard_edges`.
        search: how neighbours are found; None is the exact search.
        num_slabs: into how many slabs the rows are cut, each computed as a shard would; never changes the result.
        threads: how many work at once; changes the time, never the result.
        watch: surrounds each stage, called with its name.

    Raises:
        FeatureError: a value is not finite, or a row is not of unit length.
        ConfigError: the distance needs modalities or cameras that are not given, or eps_max is out of range.

    >>> x = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> edges = jaccard_graph(x, DistanceSpec.plain(k1=2, k2=1), eps_max=0.6).edges
    >>> edges.i.tolist(), edges.j.tolist(), edges.distance.tolist()
    ([0], [1], [0.0])
    """
    check_features(features)
    group = _groups(spec, modality, camera, len(features))
    slabs = row_slabs(len(features), num_slabs)
    with watch("search"):
        found, searched = (search or exact_search(threads=threads))(features, spec, group)
        lists = join_lists(spec, [np.arange(len(features))], [found])
        del found
    with watch("encode"):
        order = local_order(lists.ids)
        lists = lists.renumbered(order)
        v = _encoded(lists, features, order, spec.half, slabs, threads)
        lists, v_entries = lists.without_tables(), v.nnz
    with watch("expand"):
        v = stack_rows([expand_rows(rows, lists, v, threads=threads) for rows in slabs])
        expanded_entries = v.nnz
        del lists
    with watch("edges"):
        inverted = v.tocsc()
        parts = [
            jaccard_edges(rows, v, eps_max=eps_max, inverted=inverted, threads=threads) for rows in slabs
        ]
        del v, inverted
        return Graph(Edges.join(parts).renamed(order), v_entries, expanded_entries, searched)


def _encoded(
    lists: RankedLists, features: Floats, names: Ints, half: int, slabs: list[Ints], threads: int
) -> csr_array:
    """V of all rows before expansion."""
    mutual = np.concatenate([mutual_ranks(rows, lists, threads=threads) for rows in slabs])
    sets = [reciprocal_sets(rows, lists, mutual, half=half, threads=threads) for rows in slabs]
    parts = zip(sets, slabs, strict=True)
    return stack_rows([v_rows(part, rows, features, names=names, threads=threads) for part, rows in parts])


def _groups(
    spec: DistanceSpec, modality: NDArray[np.int8] | None, camera: NDArray[np.generic] | None, num_rows: int
) -> Ints | None:
    if spec.group is None:
        return None
    values = camera if spec.group == "camera" else modality
    if values is None or len(values) != num_rows:
        given = "none" if values is None else f"{len(values)} values"
        raise ConfigError(
            f"the {spec.name} distance needs the {spec.group} of each of {num_rows} rows: {given} given"
        )
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


@njit(nogil=True, cache=True)
def _overlaps(rows, bounds, columns, weights, starts, owners, shares, limit):  # type: ignore[no-untyped-def]
    """Add up min(V_ig, V_jg) over the columns g of each row i for all j > i, and keep the pairs within the limit."""
    num_rows = bounds.size - 1
    least = (
        UNIT * (2 - 2 * limit) / (2 - limit) - 2 * UNIT * TIE_TOLERANCE
    )  # a smaller overlap is surely too far
    overlap = np.zeros(num_rows, np.int32)
    touched = np.empty(num_rows + 1, np.uint32)
    ahead = starts[
        :-1
    ].copy()  # in each column, the first owner behind the row: rows ascend, so it only moves on
    kept = np.zeros(rows.size + 1, np.int64)
    near, distance = np.empty(8 * rows.size, np.uint32), np.empty(8 * rows.size, np.float32)
    used = np.uint64(0)
    for r in range(rows.size):
        i, count = np.uint32(rows[r]), np.uint64(0)
        for t in range(bounds[i], bounds[i + 1]):
            first, stop = np.uint64(ahead[columns[t]]), np.uint64(starts[columns[t] + 1])
            while first < stop and owners[first] <= i:
                first += np.uint64(1)
            ahead[columns[t]] = first
            for p in range(first, stop):
                j = owners[p]
                before = overlap[j]
                touched[count] = j
                count += np.uint64(before == 0)  # without a branch, which would be mispredicted
                overlap[j] = before + min(weights[t], shares[p])
        near, distance = with_room(near, used, count), with_room(distance, used, count)
        for a in range(count):
            j = touched[a]
            if overlap[j] >= least:
                d = np.float32(max(0.0, 1 - overlap[j] / (2 * UNIT - overlap[j])))
                near[used], distance[used] = j, d
                used += np.uint64(d <= limit)
            overlap[j] = 0
        kept[r + 1] = used
    return kept, near[:used].copy(), distance[:used].copy()
