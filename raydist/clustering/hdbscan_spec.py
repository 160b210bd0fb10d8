"""HDBSCAN with its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from raydist.clustering.clusterer import Clusterer
from raydist.parameters import parameter

if TYPE_CHECKING:
    from raydist.neighbours.jaccard.edges import Edges
    from raydist.types import Labels

HDBSCAN_EPS = 0.8
"""Where the graph is cut for HDBSCAN, which has no radius of its own."""


@dataclass(frozen=True)
class Hdbscan(Clusterer):
    """See `raydist.clustering.hdbscan`.

    Attributes:
        min_cluster_size: the smallest cluster.
        min_samples: which nearest neighbour sets the density of a row, the row itself not counted.
    """

    min_cluster_size: int = parameter(4, ge=2, help="HDBSCAN: the smallest cluster.")
    min_samples: int = parameter(4, ge=1, help="Tracklets that make a place dense.")

    name: ClassVar[str] = "hdbscan"
    size_parameter: ClassVar[str | None] = "min_cluster_size"

    @property
    def radius(self) -> float:
        """`HDBSCAN_EPS`."""
        return HDBSCAN_EPS

    def labels(self, edges: Edges, num_rows: int) -> Labels:
        """Clusters numbered by their smallest row."""
        from raydist.clustering.hdbscan import hdbscan  # compiled code, which a list of options does not need

        return hdbscan(
            edges, num_rows, min_cluster_size=self.min_cluster_size, min_samples=self.min_samples
        ).labels
