"""The k-reciprocal Jaccard distance.

Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017, in the form used
for clustering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from raydist.neighbours.jaccard.distance import RENORMALISE_HELP, Distance, Ranking, half_set
from raydist.neighbours.jaccard.ranked_lists import RankedLists, equal_weights, side_by_side
from raydist.neighbours.search.ranked import Ranked
from raydist.parameters import parameter
from raydist.types import Ints


@dataclass(frozen=True)
class PlainJaccard(Distance):
    """One list of the nearest rows, whatever their camera or modality.

    Attributes:
        k1: ranked neighbours of a row, itself included.
        k2: neighbours that a row is averaged over, itself included; 1 for no expansion.
        renormalise: whether features are of unit length; else rows of any length up to 1 are ranked by
            Euclidean distance, as in the published code of ADCA and the methods that build on it.
    """

    k1: int = parameter(30, ge=1, per_modality=True, help="Ranked neighbours of a tracklet.")
    k2: int = parameter(6, ge=1, help="Neighbours in the query expansion, 1 for none.")
    renormalise: bool = parameter(True, help=RENORMALISE_HELP)

    name: ClassVar[str] = "jaccard"

    @property
    def ranking(self) -> Ranking:
        """By Euclidean distance where features need not be of unit length."""
        return "unit" if self.renormalise else "distance"

    @property
    def num_within(self) -> int:
        """All of the list but the row itself."""
        return self.k1 - 1

    @property
    def half(self) -> int:
        """Half of `k1`."""
        return half_set(self.k1)

    @property
    def cut(self) -> str | None:
        """`k2` above `k1`."""
        if self.k2 <= self.k1:
            return None
        return f"k2 = {self.k2} with k1 = {self.k1}: only the {self.k1} ranked neighbours can be averaged"

    @property
    def num_averaged(self) -> int:
        """The first rows of the list."""
        return self.k2

    def ranked_lists(self, rows: Ints, within: Ranked, across: Ranked) -> RankedLists:
        """Lists of `k1` rows; the first `k2` of them are averaged with equal weights."""
        first, own = rows[:, None], np.ones((len(rows), 1))
        if not self.renormalise:  # the row itself is there already
            first, own = first[:, :0], own[:, :0]
        ids = side_by_side(first, within[0], dtype=np.int32)
        similarities = side_by_side(own, within[1], dtype=np.float32)
        averaged = ids[:, : self.k2]
        return RankedLists(
            ids[:, : self.k1], similarities[:, : self.k1], self.k1, averaged, equal_weights(averaged)
        )
