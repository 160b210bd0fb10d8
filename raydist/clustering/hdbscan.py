"""HDBSCAN on a sparse graph: clusters of varying density, without a radius.

Campello, Moulavi and Sander, "Density-Based Clustering Based on Hierarchical Density Estimates", PAKDD 2013.

scikit-learn builds the hierarchy. It wants one component, enough neighbours for every row and no distance of 0, which a
Jaccard graph has not: rows that can only be noise are taken out first, and the remaining components are bridged at
distance 1, where rows that share no neighbour are.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array, csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import HDBSCAN

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.graph import TIE_TOLERANCE, Edges
from raydist.types import NOISE, Ints, Labels

BRIDGE = 1.0
"""The Jaccard distance of rows that share nothing."""


def hdbscan(edges: Edges, num_rows: int, *, min_cluster_size: int, min_samples: int) -> Labels:
    """Cluster rows by the stability of their density hierarchy.

    A graph that is one cluster and does not split gives noise only, as in the original algorithm.

    Args:
        edges: the pairs of small distance, cut well above the distances inside a cluster (0.8). Others are at 1.
        num_rows: N.
        min_cluster_size: the smallest cluster, >= 2.
        min_samples: which nearest neighbour sets the density of a row, the row itself not counted. A row with fewer
            neighbours in the graph is noise.

    Returns:
        int64 [N], clusters numbered by their smallest row.

    Raises:
        ConfigError: min_cluster_size < 2 or min_samples < 1.
    """
    if min_cluster_size < 2 or min_samples < 1:
        raise ConfigError(
            f"HDBSCAN with min_cluster_size {min_cluster_size} and min_samples {min_samples}: expected at least 2 and 1"
        )
    labels = np.full(num_rows, NOISE, np.int64)
    reach = _mutual_reachability(edges, num_rows, min_samples)
    component = connected_components(reach, directed=False)[1]
    rows = (
        np.flatnonzero(np.bincount(component)[component] >= min_cluster_size)
        if num_rows
        else np.empty(0, np.int64)
    )
    if not rows.size:
        return labels
    graph = csr_matrix(reach[rows][:, rows] + _bridges(component[rows]))
    # The distances are mutual reachabilities already, and min_samples=1 leaves them as they are.
    found = HDBSCAN(
        metric="precomputed", min_cluster_size=min_cluster_size, min_samples=1, copy=True
    ).fit_predict(graph)
    labels[rows] = _numbered_by_first_row(found.astype(np.int64))
    return labels


def _mutual_reachability(edges: Edges, num_rows: int, min_samples: int) -> csr_array:
    """max(core_i, core_j, d_ij) of every pair whose rows have a core distance, float64 CSR [N, N]; 0 becomes tiny."""
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


def _numbered_by_first_row(labels: Labels) -> Labels:
    clustered = labels != NOISE
    _, first, member = np.unique(labels[clustered], return_index=True, return_inverse=True)
    numbered = np.full(len(labels), NOISE, np.int64)
    numbered[clustered] = np.argsort(np.argsort(first))[member]
    return numbered
