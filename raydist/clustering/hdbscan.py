"""HDBSCAN on a sparse graph: clusters of varying density, without a radius.

Campello, Moulavi and Sander, "Density-Based Clustering Based on Hierarchical Density Estimates", PAKDD 2013. The
spanning forest is computed by `fast_hdbscan`, which takes a forest of several components, distances of 0, and rows with
few neighbours as they are; libraries for dense matrices reject or silently drop them.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from raydist.errors import ConfigError
from raydist.neighbours.jaccard import Edges
from raydist.types import NOISE, Labels


def hdbscan(edges: Edges, num_rows: int, *, min_cluster_size: int, min_samples: int) -> Labels:
    """Cluster rows by the stability of their density hierarchy.

    Pairs that are not in the graph are taken to be infinitely far, so no cluster spans two components.

    Args:
        edges: the pairs of small distance, cut well above the distances inside a cluster (0.8).
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
    if num_rows < min_cluster_size or not len(edges):
        return np.full(num_rows, NOISE, np.int64)
    from fast_hdbscan import fast_hdbscan  # deferred: compiles for seconds, and few runs need it

    graph = csr_matrix(edges.matrix(num_rows).astype(np.float64))
    found = fast_hdbscan(graph, metric="precomputed", min_cluster_size=min_cluster_size, min_samples=min_samples)[0]
    return _numbered_by_first_row(np.asarray(found, np.int64))


def _numbered_by_first_row(labels: Labels) -> Labels:
    clustered = labels != NOISE
    _, first, member = np.unique(labels[clustered], return_index=True, return_inverse=True)
    numbered = np.full(len(labels), NOISE, np.int64)
    numbered[clustered] = np.argsort(np.argsort(first))[member]
    return numbered
