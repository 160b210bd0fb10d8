"""The camera-aware Jaccard distance (CA-Jaccard).

"Camera-aware Jaccard Distance for Person Re-identification", CVPR 2024: reciprocal sets of the own camera and
of the other cameras (CKRNN), query expansion over both kinds of neighbours (CLQE).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from raydist.neighbours.jaccard.distance import Distance, Group
from raydist.neighbours.jaccard.ranked_lists import RankedLists, equal_weights, side_by_side
from raydist.neighbours.search.ranked import Ranked
from raydist.parameters import parameter
from raydist.types import Ints


@dataclass(frozen=True)
class CameraAwareJaccard(Distance):
    """A list of the own camera and a list of the other cameras; a camera may be any grouping, such as the
    modality.

    Attributes:
        k1_intra: neighbours in the own camera, the row itself not counted.
        k1_inter: neighbours in other cameras, one less than are ranked (the published convention).
        k2_intra: neighbours of the own camera in the expansion, the row itself included.
        k2_inter: neighbours of other cameras in the expansion.
    """

    k1_intra: int = parameter(5, ge=1, help="Camera-aware: ranked neighbours of the own camera.")
    k1_inter: int = parameter(20, ge=1, help="Camera-aware: ranked neighbours of other cameras.")
    k2_intra: int = parameter(2, ge=1, help="Camera-aware: those of the own camera in the query expansion.")
    k2_inter: int = parameter(4, ge=0, help="Camera-aware: those of other cameras in it.")

    name: ClassVar[str] = "camera-aware"
    group: ClassVar[Group | None] = "camera"

    @property
    def num_within(self) -> int:
        """Enough for the list and for the expansion, whichever needs more."""
        return max(self.k1_intra, self.k2_intra - 1)

    @property
    def num_across(self) -> int:
        """Enough for the list and for the expansion, whichever needs more."""
        return max(self.k1_inter + 1, self.k2_inter)

    @property
    def num_averaged(self) -> int:
        """The rows of both kinds."""
        return self.k2_intra + self.k2_inter

    def ranked_lists(self, rows: Ints, within: Ranked, across: Ranked) -> RankedLists:
        """Both lists one behind the other; the first rows of each are averaged, all with equal weights."""
        near = side_by_side(rows[:, None], within[0], dtype=np.int32)
        near_similarities = side_by_side(np.ones((len(rows), 1)), within[1], dtype=np.float32)
        intra, inter = slice(self.k1_intra + 1), slice(self.k1_inter + 1)
        ids = side_by_side(near[:, intra], across[0][:, inter], dtype=np.int32)
        similarities = side_by_side(near_similarities[:, intra], across[1][:, inter], dtype=np.float32)
        averaged = side_by_side(near[:, : self.k2_intra], across[0][:, : self.k2_inter], dtype=np.int32)
        return RankedLists(ids, similarities, near[:, intra].shape[1], averaged, equal_weights(averaged))
