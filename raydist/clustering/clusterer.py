"""What a clustering algorithm is: the contract that those of this package keep, and one of your own would."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from raydist.parameters import check_parameters

if TYPE_CHECKING:
    from raydist.neighbours.jaccard.edges import Edges
    from raydist.types import Labels


@dataclass(frozen=True)
class Clusterer(ABC):
    """An algorithm that clusters rows by the sparse graph of their small distances, with its parameters.

    An algorithm of your own is a frozen dataclass that derives from this class. Its name in the configuration
    (``clustering.algorithm``) and on the command line is ``package.module:Class``; its fields are its
    parameters, as those of a `raydist.neighbours.jaccard.distance.Distance` are.

    Attributes:
        name: the algorithm, in messages.
        size_parameter: the parameter that says how many rows a cluster needs, if there is one.

    Raises:
        ConfigError: a parameter is out of range.
    """

    name: ClassVar[str]
    size_parameter: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    @abstractmethod
    def radius(self) -> float:
        """The largest distance that the graph has to hold, in (0, 1]."""

    @property
    def smallest_cluster(self) -> int:
        """How many rows a cluster needs."""
        return 1 if self.size_parameter is None else int(getattr(self, self.size_parameter))

    @abstractmethod
    def labels(self, edges: Edges, num_rows: int) -> Labels:
        """The cluster of every row.

        Args:
            edges: every pair with a distance up to `radius`; larger distances may be there too.
            num_rows: N.

        Returns:
            int64 [N], clusters numbered from 0 without gaps, NOISE = -1.
        """
