"""How rows are clustered, as one value, and what comes out of it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from raydist.clustering.dbscan import dbscan
from raydist.clustering.hdbscan import hdbscan
from raydist.clustering.self_paced import self_paced
from raydist.errors import ConfigError
from raydist.neighbours.jaccard.distances import DistanceName, DistanceSpec
from raydist.neighbours.jaccard.graph import Edges, Watch, jaccard_graph
from raydist.types import Floats, Labels

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
        gate: how neighbours of the other modality are refused, for the modality-aware distance alone; None for no gate.
        self_paced: keep only DBSCAN's clusters that hold under a tighter and a looser radius.
        margin: how much tighter and looser those are.

    Raises:
        ConfigError: self_paced with HDBSCAN, which has no radius, or a margin out of range.
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
    gate: float | None = None
    self_paced: bool = False
    margin: float = 0.02

    def __post_init__(self) -> None:
        if self.self_paced and self.algorithm != "dbscan":
            raise ConfigError(
                f"self_paced with {self.algorithm}: it compares radii, which DBSCAN alone has; take dbscan"
            )
        if not 0 < self.margin < 1:
            raise ConfigError(f"margin = {self.margin}: expected a difference of radii between 0 and 1")

    @property
    def metric(self) -> DistanceSpec:
        """The distance with its parameters."""
        neighbours = ("k1", "k2", "k1_intra", "k1_inter", "k2_intra", "k2_inter", "gate")
        return DistanceSpec(self.distance, **{name: getattr(self, name) for name in neighbours})

    @property
    def radius(self) -> float:
        """The largest distance that the algorithm asks for."""
        if self.algorithm == "hdbscan":
            return HDBSCAN_EPS
        return min(1.0, self.eps + self.margin) if self.self_paced else self.eps


@dataclass(frozen=True)
class Clustering:
    """Labels of n rows and the distance graph that they come from."""

    labels: Labels
    edges: Edges

    @property
    def num_clusters(self) -> int:
        """How many clusters there are, noise apart."""
        return int(self.labels.max(initial=-1)) + 1


def cluster_features(
    features: Floats,
    spec: ClusterSpec,
    *,
    modality: NDArray[np.int8] | None = None,
    camera: NDArray[np.generic] | None = None,
    num_slabs: int = 1,
    threads: int = 1,
    watch: Watch = nullcontext,
) -> Clustering:
    """Cluster rows by their features, in one process.

    Args:
        features: float32 [N, D], rows of unit length.
        spec: the distance, the algorithm and their parameters.
        modality: int8 [N] of `Modality`, for the modality-aware distance.
        camera: [N] of any sortable type, for the camera-aware distance.
        num_slabs: see `jaccard_graph`.
        threads: how many threads are at work; changes time, never the result.
        watch: surrounds each stage, called with its name: those of `jaccard_graph`, then ``cluster``.
    """
    graph = jaccard_graph(
        features, spec.metric, modality=modality, camera=camera, eps_max=spec.radius,
        num_slabs=num_slabs, threads=threads, watch=watch,
    )  # fmt: skip
    with watch("cluster"):
        return cluster_edges(graph.edges, len(features), spec)


def cluster_edges(edges: Edges, num_rows: int, spec: ClusterSpec) -> Clustering:
    """Cluster n rows by the graph of their small distances.

    Args:
        edges: every pair with a distance up to ``spec.radius``.
        num_rows: n.
        spec: the algorithm and its parameters.
    """
    if spec.algorithm == "hdbscan":
        labels = hdbscan(
            edges, num_rows, min_cluster_size=spec.min_cluster_size, min_samples=spec.min_samples
        )
    elif spec.self_paced:
        radii = spec.eps, max(0.0, spec.eps - spec.margin), spec.radius
        labels = self_paced(
            *(dbscan(edges, num_rows, eps=eps, min_samples=spec.min_samples) for eps in radii)
        )
    else:
        labels = dbscan(edges, num_rows, eps=spec.eps, min_samples=spec.min_samples)
    return Clustering(labels, edges)
