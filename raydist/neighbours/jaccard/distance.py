"""The contract of a Jaccard distance, for those of this package and for one of your own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.ranked_lists import RankedLists
from raydist.neighbours.search.ranked import GroupedLists, Ranked, itself, merge_topk, similarities_of
from raydist.parameters import check_parameters
from raydist.types import Doubles, Ints

Group = Literal["camera", "modality"]

Ranking = Literal["unit", "distance", "product"]
"""How neighbours are ranked: features have unit length and are ranked by dot product; or they are of any
length up to 1, and ranked by Euclidean distance or by dot product."""

RENORMALISE_HELP = "Whether means of features (clip and mirror image, parts) get unit length again."


@dataclass(frozen=True)
class Distance(ABC):
    """A Jaccard distance with its parameters.

    Distances differ in two things alone: which neighbours of a row are ranked, and which neighbours query
    expansion averages with what weights. A distance says how many neighbours are to be searched, and makes
    `RankedLists` of them; all later steps (k-reciprocal sets, V, expansion, edges) are shared.

    A distance of your own is a frozen dataclass that derives from this class, in a module that every process
    can import. Its name in the configuration and on the command line is ``package.module:Name``. Its fields
    are its parameters: an int, float, bool or str each, with a default, and bounds and help by
    `raydist.parameters.parameter`. They become keys of the section ``clustering`` and options of ``raydist
    cluster``. A field with the name of a parameter of this package (such as ``k1``) must have its type too.
    To define: `name`, `num_within`, `num_averaged` and `ranked_lists`, and where neighbours across are
    ranked, `group` and `num_across`.

    Instances are pickled and sent to the feature shards, so they hold parameters only.

    Attributes:
        name: the distance, in messages.
        group: what splits neighbours into those within the row's own group and those across, in all other
            groups; None when all are within.

    Raises:
        ConfigError: a parameter is out of range.
    """

    name: ClassVar[str]
    group: ClassVar[Group | None] = None

    def __post_init__(self) -> None:
        check_parameters(self)

    def group_column(
        self, *, modality: NDArray[np.generic] | None, camera: NDArray[np.generic] | None
    ) -> NDArray[np.generic] | None:
        """The one of two columns that `group` names; None where it names none."""
        if self.group is None:
            return None
        return camera if self.group == "camera" else modality

    @property
    def ranking(self) -> Ranking:
        """How neighbours are ranked; a distance of your own ranks features of unit length."""
        return "unit"

    @property
    @abstractmethod
    def num_within(self) -> int:
        """How many neighbours to search in a row's own group, the row itself left out."""

    @property
    def num_across(self) -> int:
        """How many neighbours to search in all other groups."""
        return 0

    @property
    def half(self) -> int:
        """The size of the half sets that expand a reciprocal set (Zhong et al., Eq. 3); 0 for none.

        A half set is the first part of one list: it must be 0 where there are two (`RankedLists.split`).
        """
        return 0

    @property
    def cut(self) -> str | None:
        """Which parameter asks for more neighbours than are ranked, and is cut; None where none does."""
        return None

    @property
    @abstractmethod
    def num_averaged(self) -> int:
        """The largest number of rows, the row itself included, that query expansion averages over."""

    @abstractmethod
    def ranked_lists(self, rows: Ints, within: Ranked, across: Ranked) -> RankedLists:
        """The ranked lists of some rows.

        A row comes first in its own list, whatever else has the same feature. A group with too few rows
        leaves padding.

        Args:
            rows: int64 [r].
            within: neighbours in the own group, of ``num_within`` columns; the rows themselves are left out
                unless `ranking` allows any length: then they are among them, first by distance, and by dot
                product where their own places them.
            across: neighbours in other groups, of ``num_across`` columns.
        """

    def filter_across(self, slabs: Sequence[Ints], across: Sequence[Ranked]) -> Sequence[Ranked]:
        """The neighbours across that are ranked, chosen when those of all rows are known; here all of them.

        Args:
            slabs: consecutive rows, int64 [r] each.
            across: for each slab its neighbours across, of ``num_across`` columns.

        Returns:
            Lists of the same shapes, with padding at the end for those left out.
        """
        return across


def half_set(k: int) -> int:
    """Half of k, rounded half to even as in the published code.

    >>> half_set(30), half_set(5), half_set(7)
    (15, 2, 4)
    """
    return int(np.around(k / 2))


def join_lists(
    spec: Distance,
    slabs: Sequence[Ints],
    neighbours: Sequence[GroupedLists],
    squares: Doubles | None = None,
) -> RankedLists:
    """The ranked lists of all rows, out of the neighbours of each slab.

    Args:
        spec: the distance.
        slabs: consecutive rows, int64 [r] each; at least one slab.
        neighbours: for each slab its neighbours within and across, the rows themselves left out.
        squares: float64 [N], the squared lengths of the rows, where ``spec.ranking`` allows any length.

    Raises:
        ConfigError: the distance has half sets, but two lists.
    """
    if squares is not None:
        neighbours = [
            _with_itself(spec, rows, lists, squares) for rows, lists in zip(slabs, neighbours, strict=True)
        ]
    within, across = zip(*neighbours, strict=True)
    kept = spec.filter_across(slabs, across)
    lists = RankedLists.join(
        [spec.ranked_lists(rows, near, far) for rows, near, far in zip(slabs, within, kept, strict=True)]
    )
    if spec.half > 0 and lists.split < lists.ids.shape[1]:
        raise ConfigError(
            f"the {spec.name} distance has half sets of {spec.half} and two ranked lists: a half set is "
            "a part of one list; let `half` be 0, or `ranked_lists` make one list"
        )
    return lists


def _with_itself(spec: Distance, rows: Ints, neighbours: GroupedLists, squares: Doubles) -> GroupedLists:
    """Neighbours of features of any length with their dot products, and with each row among them."""
    within, across = neighbours
    own = itself(rows, squares)
    if spec.ranking == "product":
        return merge_topk((own, within), k=spec.num_within), across
    ids, similarities = similarities_of(within, squares)
    return (np.hstack((own[0], ids)), np.hstack((own[1], similarities))), similarities_of(across, squares)
