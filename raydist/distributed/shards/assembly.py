"""Results of all shards put together in a task of their own: one copy a node, in the object store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import ray
from scipy.sparse import csc_array, csr_array

from raydist.neighbours.jaccard.reciprocal import MutualRanks
from raydist.neighbours.jaccard.slabs import sparse_rows, stack_rows
from raydist.types import Ints

ExpandedV = tuple[csr_array, csc_array]
"""V [N, N] of all rows after query expansion, by rows and by columns."""


@ray.remote(num_cpus=0)
def assemble_mutual(num_rows: int, *parts: tuple[Ints, MutualRanks]) -> MutualRanks:
    """The mutual ranks of all N rows, out of the new numbers and ranks of every shard's rows."""
    whole = np.empty((num_rows, parts[0][1].shape[1]), np.uint16)
    for rows, ranks in parts:
        whole[rows] = ranks
    return whole


@ray.remote(num_cpus=0)
def assemble_v(num_rows: int, *parts: tuple[Ints, csr_array]) -> ExpandedV:
    """V of all N rows after expansion, out of the new numbers and rows of V of every shard."""
    v = rows_in_place([rows for rows, _ in parts], [part for _, part in parts], num_rows)
    return v, v.tocsc()


def rows_in_place(numbers: Sequence[Ints], parts: Sequence[csr_array], num_rows: int) -> csr_array:
    """The CSR [N, N] with the given rows where their numbers say, and nothing in all others.

    Args:
        numbers: int64 [r] for each part, the numbers of its rows; no row is given twice.
        parts: CSR [r, N] each.
        num_rows: N.
    """
    number, stacked = np.concatenate(numbers), stack_rows(list(parts))
    order = np.argsort(number, kind="stable")
    sizes = np.zeros(num_rows, np.int64)
    sizes[number] = np.diff(stacked.indptr)
    rows = stacked if (order == np.arange(len(order))).all() else stacked[order]
    return sparse_rows(np.concatenate(([0], sizes.cumsum())), rows.indices, rows.data, num_columns=num_rows)
