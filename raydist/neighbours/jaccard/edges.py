"""The pairs of rows at small Jaccard distances, and how they are made of the rows of V.

J_ij = 1 - s_ij / (2 - s_ij) with s_ij the sum over g of min(V_ig, V_jg), since both rows sum to 1 (Zhong et
al., CVPR 2017, Eq. 10). Only pairs whose supports overlap have a distance below 1, and an inverted index
finds them: no N x N matrix is ever made. Overlaps are sums of whole numbers, exact in any order.

Ties: with k2 = 6 the distance 0.5 is exact for whole groups of pairs, and with k2 = 4 the distance 0.4, so
rounding would decide on them. A pair is therefore within eps when its distance is <= eps + `TIE_TOLERANCE`,
everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.reciprocal import UNIT
from raydist.neighbours.jaccard.slabs import map_slabs, sparse_rows, unsigned, with_room, work_slabs
from raydist.types import Floats, Ints

TIE_TOLERANCE = 1e-6
"""Distances up to eps + this are within eps."""


@dataclass(frozen=True)
class Edges:
    """Pairs of rows and their distance; an absent pair is farther than the graph's eps_max, 1.0 if nothing is
    shared.

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
        eps_max: the largest eps that will ever be asked for, in (0, 1]. At 1 every pair that shares anything
            is kept.
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


@njit(nogil=True, cache=True)
def _least_overlap(limit: float) -> float:
    """The overlap of two rows at a distance; a little less, so that rounding loses no pair."""
    return UNIT * (2 - 2 * limit) / (2 - limit) - 2 * UNIT * TIE_TOLERANCE


@njit(nogil=True, cache=True)
def _overlaps(
    rows: Ints,
    bounds: Ints,
    columns: NDArray[np.uint32],
    weights: NDArray[np.int32],
    starts: Ints,
    owners: NDArray[np.uint32],
    owner_weights: NDArray[np.int32],
    limit: float,
) -> tuple[Ints, NDArray[np.uint32], Floats]:
    """The pairs (i, j > i) within a limit, for some rows i.

    Args:
        rows: int64 [r] ascending.
        bounds, columns, weights: V by rows, as CSR.
        starts, owners, owner_weights: V by columns, as CSC: which rows have a column, ascending, and with
            what weight.
        limit: the largest distance.

    Returns:
        Where the pairs of each row begin (int64 [r + 1]), and j and the distance of every pair.
    """
    num_rows = bounds.size - 1
    least = _least_overlap(limit)
    # The overlap of the row at work with every other row, zeros between two rows; and where it is not 0.
    overlap, touched = np.zeros(num_rows, np.int32), np.empty(num_rows + 1, np.uint32)
    # In each column, the first owner behind the row at work: rows ascend, so it only moves on.
    ahead = starts[:-1].copy()
    kept = np.zeros(rows.size + 1, np.int64)
    near, distance = np.empty(8 * rows.size, np.uint32), np.empty(8 * rows.size, np.float32)
    used = np.uint64(0)
    for r in range(rows.size):
        i, count = np.uint32(rows[r]), np.uint64(0)
        # Every row j > i that shares a column with i gets the sum of the smaller weights.
        for t in range(bounds[i], bounds[i + 1]):
            first, stop = np.uint64(ahead[columns[t]]), np.uint64(starts[columns[t] + 1])
            while first < stop and owners[first] <= i:
                first += np.uint64(1)
            ahead[columns[t]] = first
            for p in range(first, stop):
                j = owners[p]
                before = overlap[j]
                # Written always, counted where j is new: without a branch, which would be mispredicted. After
                # all rows are touched, the write goes to the extra place at the end.
                touched[count] = j
                count += np.uint64(before == 0)
                overlap[j] = before + min(weights[t], owner_weights[p])
        near, distance = with_room(near, used, count), with_room(distance, used, count)
        # Distances are computed for the few pairs that may be near enough; the overlaps go back to 0 for the
        # next row.
        for a in range(count):
            j = touched[a]
            if overlap[j] >= least:
                d = np.float32(max(0.0, 1 - overlap[j] / (2 * UNIT - overlap[j])))
                near[used], distance[used] = j, d
                used += np.uint64(d <= limit)  # a pair that is too far is overwritten by the next one
            overlap[j] = 0
        kept[r + 1] = used
    return kept, near[:used].copy(), distance[:used].copy()
