"""The clustering of one process stage by stage, by any search; by the exact one the labels are those of `cluster_features`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raydist.benchmarks.searches import Search
from raydist.clustering.spec import Clustering, ClusterSpec, cluster_edges
from raydist.neighbours.distance import join_lists
from raydist.neighbours.jaccard import Edges, Watch, jaccard_edges
from raydist.neighbours.locality import local_order
from raydist.neighbours.reciprocal import expand_rows, mutual_ranks, reciprocal_sets, v_rows
from raydist.neighbours.slabs import row_slabs, stack_rows
from raydist.types import FeatureTable

STAGES = ("search", "encode", "expand", "edges", "cluster")


@dataclass(frozen=True)
class StagedClustering:
    """What came out, and how much was in between.

    Attributes:
        clustering: labels and graph.
        v_entries, expanded_entries: stored values of V before and after query expansion.
        searched: figures of the search.
    """

    clustering: Clustering
    v_entries: int
    expanded_entries: int
    searched: Mapping[str, float]


def cluster_in_stages(
    table: FeatureTable, spec: ClusterSpec, *, search: Search, watch: Watch, threads: int, num_slabs: int = 1
) -> StagedClustering:
    """Cluster all rows of a table.

    Args:
        table: N rows.
        spec: the distance, the algorithm and their parameters.
        search: how neighbours are found.
        watch: surrounds each of `STAGES`, called with its name.
        threads: how many work at once; changes the time, never the result.
        num_slabs: into how many slabs the rows are cut after the search; never changes the result.
    """
    metric, slabs = spec.metric, row_slabs(len(table), num_slabs)
    group = None if metric.group is None else np.unique(getattr(table, metric.group), return_inverse=True)[1].astype(np.int64)
    with watch("search"):
        found, searched = search(table.features, metric, group)
        lists = join_lists(metric, [np.arange(len(table))], [found])
        del found
    with watch("encode"):
        order = local_order(lists.ids)
        lists = lists.renumbered(order)
        mutual = np.concatenate([mutual_ranks(rows, lists, threads=threads) for rows in slabs])
        sets = [reciprocal_sets(rows, lists, mutual, half=metric.half, threads=threads) for rows in slabs]
        parts = zip(sets, slabs, strict=True)
        v = stack_rows([v_rows(part, rows, table.features, names=order, threads=threads) for part, rows in parts])
        lists = lists.without_tables()
        del mutual, sets
    v_entries = v.nnz
    with watch("expand"):
        v = stack_rows([expand_rows(rows, lists, v, threads=threads) for rows in slabs])
        del lists
    expanded_entries = v.nnz
    with watch("edges"):
        inverted = v.tocsc()
        pairs = [jaccard_edges(rows, v, eps_max=spec.radius, inverted=inverted, threads=threads) for rows in slabs]
        del v, inverted
        edges = Edges.join(pairs).renamed(order)
    with watch("cluster"):
        clustering = cluster_edges(edges, len(table), spec)
    return StagedClustering(clustering, v_entries, expanded_entries, searched)
