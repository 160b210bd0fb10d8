"""Results of all shards put together in a task of their own: one copy a node, in the object store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
import ray
from scipy.sparse import csc_array, csr_array

from raydist.clustering.spec import ClusterSpec
from raydist.distributed.shards.layout import GraphLists, RowLayout
from raydist.memories.exact_sums import unit_means
from raydist.neighbours.jaccard.distance import Distance, join_lists
from raydist.neighbours.jaccard.edges import Edges
from raydist.neighbours.jaccard.locality import local_order
from raydist.neighbours.jaccard.reciprocal import MutualRanks
from raydist.neighbours.jaccard.slabs import sparse_rows, stack_rows
from raydist.neighbours.search.ranked import GroupedLists, Ranked
from raydist.types import Doubles, Floats, Ints, Labels

ExpandedV = tuple[csr_array, csc_array]
"""V [N, N] of all rows after query expansion, by rows and by columns."""

Whole = TypeVar("Whole", Ints, csr_array)


@ray.remote(num_cpus=0)
def assemble_lists(
    spec: Distance, starts: Ints, squares: Doubles | None, *neighbours: GroupedLists
) -> GraphLists:
    """The ranked lists of all N rows, with new numbers for these, out of the neighbours of each shard's rows.

    Args:
        spec: the distance.
        starts: int64 [S + 1], the first row of each shard, and N.
        squares: float64 [N], see `raydist.neighbours.jaccard.distance.join_lists`.
        neighbours: of each shard.
    """
    slabs = [np.arange(start, stop) for start, stop in pairwise(starts)]
    lists = join_lists(spec, slabs, neighbours, squares)
    layout = RowLayout(local_order(lists.ids), starts)
    return GraphLists(layout, lists.renumbered(layout.order))


@ray.remote(num_cpus=0)
def assemble_edges(graph: GraphLists, *parts: Edges) -> Edges:
    """All edges in the old numbers of their rows, out of what every shard found."""
    return Edges.join(parts).renamed(graph.layout.order)


@ray.remote(num_cpus=0)
def merge_parts(merge: Callable[[Sequence[Ranked]], Ranked], *parts: Ranked) -> Ranked:
    """What is found for some rows, out of what every shard found for them."""
    return merge(parts)


@ray.remote(num_cpus=0)
def join_ranked(*parts: Ranked) -> Ranked:
    """What is found for all rows, out of that for the rows of each shard."""
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([s for _, s in parts])


@ray.remote(num_cpus=0)
def add_up(*parts: Whole) -> Whole:
    """The sum of whole numbers, dense or sparse, that every shard found."""
    return sum(parts[1:], parts[0])


@ray.remote(num_cpus=0)
def means_of_sums(counts: Ints, *parts: Ints) -> Floats:
    """The unit mean of each group, out of the sums of its rows that every shard found."""
    return unit_means(sum(parts[1:], parts[0]), counts)


@ray.remote(num_cpus=0)
def label_rows(edges: Edges, num_rows: int, spec: ClusterSpec) -> Labels:
    """int64 [n]: the clusters of a graph."""
    return spec.clusterer.labels(edges, num_rows)


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
