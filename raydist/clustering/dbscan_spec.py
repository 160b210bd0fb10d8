"""DBSCAN with its parameters, and the self-paced choice among its clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from raydist.clustering.clusterer import Clusterer
from raydist.parameters import parameter

if TYPE_CHECKING:
    from raydist.neighbours.jaccard.edges import Edges
    from raydist.types import Labels


@dataclass(frozen=True)
class Dbscan(Clusterer):
    """See `raydist.clustering.dbscan` and `raydist.clustering.self_paced`.

    Attributes:
        eps: the radius, as a Jaccard distance in (0, 1].
        min_samples: the core size, the row included.
        self_paced: keep only the clusters that hold under a tighter and a looser radius.
        margin: how much tighter and looser those are.
    """

    eps: float = parameter(0.6, gt=0, le=1, per_modality=True, help="DBSCAN: the radius.")
    min_samples: int = parameter(4, ge=1, help="Tracklets that make a place dense.")
    self_paced: bool = parameter(False, help="DBSCAN: keep the clusters that hold under other radii too.")
    margin: float = parameter(0.02, gt=0, lt=1, help="Self-paced: how much those radii differ.")

    name: ClassVar[str] = "dbscan"
    size_parameter: ClassVar[str | None] = "min_samples"

    @property
    def radius(self) -> float:
        """`eps`, or the looser radius where clusters are chosen."""
        return min(1.0, self.eps + self.margin) if self.self_paced else self.eps

    def labels(self, edges: Edges, num_rows: int) -> Labels:
        """Clusters numbered by their smallest core row."""
        from raydist.clustering.dbscan import dbscan  # compiled code, which a list of options does not need
        from raydist.clustering.self_paced import self_paced

        if not self.self_paced:
            return dbscan(edges, num_rows, eps=self.eps, min_samples=self.min_samples)
        radii = self.eps, max(0.0, self.eps - self.margin), self.radius
        return self_paced(*(dbscan(edges, num_rows, eps=eps, min_samples=self.min_samples) for eps in radii))
