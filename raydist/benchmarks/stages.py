"""The clustering of one process, stage by stage, as the benchmarks and `raydist cluster` report it."""

from __future__ import annotations

from dataclasses import dataclass

from raydist.clustering.spec import Clustering, ClusterSpec, cluster_edges
from raydist.neighbours.jaccard.graph import Graph, Watch, jaccard_graph
from raydist.neighbours.search.backends import Search
from raydist.types import FeatureTable

STAGES = ("search", "encode", "expand", "edges", "cluster")


@dataclass(frozen=True)
class StagedClustering:
    """The clustering, and the graph that it was made of."""

    clustering: Clustering
    graph: Graph


def cluster_in_stages(
    table: FeatureTable, spec: ClusterSpec, *, search: Search, watch: Watch, threads: int, num_slabs: int = 1
) -> StagedClustering:
    """Cluster all rows of a table; by the exact search the labels are those of `cluster_features`.

    Args:
        table: N rows.
        spec: the distance, the algorithm and their parameters.
        search: for the neighbours.
        watch: surrounds each of `STAGES`, called with its name.
        threads: how many work at once; changes the time, never the result.
        num_slabs: into how many slabs the rows are cut after the search; never changes the result.
    """
    graph = jaccard_graph(
        table.features, spec.metric, spec.metric.group_column(modality=table.modality, camera=table.camera),
        eps_max=spec.radius, search=search, num_slabs=num_slabs, threads=threads, watch=watch,
    )  # fmt: skip
    with watch("cluster"):
        return StagedClustering(cluster_edges(graph.edges, len(table), spec), graph)
