"""How rows are clustered, as one value, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from raydist.clustering.dbscan import dbscan
from raydist.clustering.hdbscan import hdbscan
from raydist.neighbours.distance import DistanceName, DistanceSpec
from raydist.neighbours.jaccard import Edges
from raydist.types import Labels

AlgorithmName = Literal["dbscan", "hdbscan"]

HDBSCAN_EPS = 0.8
"""Where the graph is cut for HDBSCAN, which has no radius of its own."""


@dataclass(frozen=True)
class ClusterSpec:
    """A distance, an algorithm and their parameters.

    Attributes:
        distance: which Jaccard distance.
        algorithm: which clustering of its graph.
        k1: ranked neighbours of a row, itself included.
        k2: neighbours that a row is averaged over (local query expansion); 1 for none.
        k1_intra, k1_inter, k2_intra, k2_inter: the same within and across cameras, for the camera-aware distance alone.
        eps: DBSCAN's radius, as a Jaccard distance in (0, 1].
        min_samples: DBSCAN's core size, the row included.
        min_cluster_size: the smallest cluster of HDBSCAN.
    """

    distance: DistanceName = "jaccard"
    algorithm: AlgorithmName = "dbscan"
    k1: int = 30
    k2: int = 6
    k1_intra: int = 5
    k1_inter: int = 20
    k2_intra: int = 2
    k2_inter: int = 4
    eps: float = 0.6
    min_samples: int = 4
    min_cluster_size: int = 4

    @property
    def metric(self) -> DistanceSpec:
        """The distance with its parameters."""
        neighbours = ("k1", "k2", "k1_intra", "k1_inter", "k2_intra", "k2_inter")
        return DistanceSpec(self.distance, **{name: getattr(self, name) for name in neighbours})

    @property
    def radius(self) -> float:
        """The largest distance that the algorithm asks for."""
        return self.eps if self.algorithm == "dbscan" else HDBSCAN_EPS


@dataclass(frozen=True)
class Clustering:
    """Labels of n rows and the distance graph that they come from."""

    labels: Labels
    edges: Edges

    @property
    def num_clusters(self) -> int:
        """How many clusters there are, noise apart."""
        return int(self.labels.max(initial=-1)) + 1


def cluster_edges(edges: Edges, num_rows: int, spec: ClusterSpec) -> Clustering:
    """Cluster n rows by the graph of their small distances.

    Args:
        edges: every pair with a distance up to ``spec.radius``.
        num_rows: n.
        spec: the algorithm and its parameters.
    """
    if spec.algorithm == "dbscan":
        labels = dbscan(edges, num_rows, eps=spec.eps, min_samples=spec.min_samples)
    else:
        labels = hdbscan(edges, num_rows, min_cluster_size=spec.min_cluster_size, min_samples=spec.min_samples)
    return Clustering(labels, edges)
