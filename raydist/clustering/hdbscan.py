"""HDBSCAN on a sparse graph: clusters of varying density, without a radius.

Campello, Moulavi and Sander, "Density-Based Clustering Based on Hierarchical Density Estimates", PAKDD 2013.

The minimum spanning tree of the mutual reachabilities is made here, and the library ``hdbscan`` makes the
hierarchy of it. That takes one component and no distance of 0, which a Jaccard graph has not: rows that can
only be noise are taken out first, a distance of 0 becomes tiny, and the components are bridged at distance 1,
where rows that share no neighbour are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hdbscan._hdbscan_linkage import label
from hdbscan.hdbscan_ import _tree_to_labels
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.edges import TIE_TOLERANCE, Edges
from raydist.types import NOISE, Doubles, Ints, Labels

BRIDGE = 1.0
"""The Jaccard distance of rows that share nothing."""


@dataclass(frozen=True)
class CondensedTree:
    """The hierarchy of clusters, one entry for every row or cluster that leaves a larger cluster.

    Numbers below N are rows, N is the root, and larger ones are the clusters below it.

    Attributes:
        parent: int64 [E], the cluster that is left.
        child: int64 [E], the row or the cluster that leaves.
        density: float64 [E], one over the distance at which it leaves (lambda).
        size: int64 [E], rows of the child.
    """

    parent: Ints
    child: Ints
    density: Doubles
    size: Ints

    def __len__(self) -> int:
        return len(self.parent)


@dataclass(frozen=True)
class DensityClusters:
    """What HDBSCAN finds.

    Attributes:
        labels: int64 [N], clusters numbered by their smallest row, NOISE = -1.
        probabilities: float64 [N], how strongly a row belongs to its cluster, in [0, 1]; 0 for noise.
        tree: of the rows that were not noise from the start; empty where there are none.
    """

    labels: Labels
    probabilities: Doubles
    tree: CondensedTree


def hdbscan(edges: Edges, num_rows: int, *, min_cluster_size: int, min_samples: int) -> DensityClusters:
    """Cluster rows by the stability of their density hierarchy.

    A graph that is one cluster and does not split gives noise only, as in the original algorithm.

    Args:
        edges: the pairs of small distance, cut well above the distances inside a cluster (0.8). Others are at
            1.
        num_rows: N.
        min_cluster_size: the smallest cluster, >= 2.
        min_samples: which nearest neighbour sets the density of a row, the row itself not counted. A row with
            fewer neighbours in the graph is noise.

    Raises:
        ConfigError: min_cluster_size < 2 or min_samples < 1.
    """
    if min_cluster_size < 2 or min_samples < 1:
        raise ConfigError(
            f"HDBSCAN with min_cluster_size {min_cluster_size} and min_samples {min_samples}: "
            "expected at least 2 and 1"
        )
    labels, probabilities = np.full(num_rows, NOISE, np.int64), np.zeros(num_rows)
    reach = _mutual_reachability(edges, num_rows, min_samples)
    component = connected_components(reach, directed=False)[1].astype(np.int64)
    rows = np.flatnonzero(np.bincount(component)[component] >= min_cluster_size)
    if not rows.size:
        nothing = np.empty(0, np.int64)
        return DensityClusters(labels, probabilities, CondensedTree(nothing, nothing, np.empty(0), nothing))
    hierarchy = label(_spanning_tree(reach[rows][:, rows] + _bridges(component[rows])))
    cluster, strength, _, tree, _ = _tree_to_labels(None, hierarchy, min_cluster_size)
    labels[rows], probabilities[rows] = _numbered_by_first_row(cluster.astype(np.int64)), strength
    return DensityClusters(labels, probabilities, _condensed_tree(tree, rows, num_rows))


def _mutual_reachability(edges: Edges, num_rows: int, min_samples: int) -> csr_array:
    """max(core_i, core_j, d_ij) of all pairs with core distances, float64 CSR [N, N]; 0 becomes tiny."""
    graph = edges.matrix(num_rows)
    degree = np.diff(graph.indptr)
    row = np.repeat(np.arange(num_rows), degree)
    ascending = graph.data[np.lexsort((graph.data, row))].astype(np.float64)
    core = np.full(num_rows, np.inf)
    dense = degree >= min_samples
    core[dense] = ascending[graph.indptr[:-1][dense] + min_samples - 1]
    reach = np.maximum(np.maximum(core[row], core[graph.indices]), np.maximum(graph.data, TIE_TOLERANCE))
    kept = np.isfinite(reach)
    return coo_array((reach[kept], (row[kept], graph.indices[kept])), shape=(num_rows, num_rows)).tocsr()


def _bridges(component: Ints) -> csr_array:
    """A chain through the first rows of all components."""
    first = np.sort(np.unique(component, return_index=True)[1])
    ends = np.concatenate((first[:-1], first[1:])), np.concatenate((first[1:], first[:-1]))
    return coo_array((np.full(len(ends[0]), BRIDGE), ends), shape=(len(component), len(component))).tocsr()


def _spanning_tree(reach: csr_array) -> Doubles:
    """The edges (i, j, distance) of the minimum spanning tree, float64 [n - 1, 3], by distance."""
    tree = minimum_spanning_tree(reach).tocoo()
    order = np.argsort(tree.data)
    return np.stack((tree.row[order], tree.col[order], tree.data[order]), axis=1).astype(np.float64)


def _condensed_tree(tree: NDArray[np.void], rows: Ints, num_rows: int) -> CondensedTree:
    """The library's tree, whose n rows come before its clusters, with the numbers of all N rows."""
    child = tree["child"].astype(np.int64)
    is_row = child < len(rows)
    child[is_row] = rows[child[is_row]]
    child[~is_row] += num_rows - len(rows)
    parent = tree["parent"].astype(np.int64) + num_rows - len(rows)
    return CondensedTree(parent, child, tree["lambda_val"], tree["child_size"].astype(np.int64))


def _numbered_by_first_row(labels: Labels) -> Labels:
    clustered = labels != NOISE
    _, first, member = np.unique(labels[clustered], return_index=True, return_inverse=True)
    numbered = np.full(len(labels), NOISE, np.int64)
    numbered[clustered] = np.argsort(np.argsort(first))[member]
    return numbered
