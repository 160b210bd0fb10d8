"""The three Jaccard distances: which neighbours have seats in a row's lists, and how query expansion weighs them.

- plain: Zhong et al., CVPR 2017, in the form used for clustering.
- camera-aware: CA-Jaccard, "Camera-aware Jaccard Distance for Person Re-identification", CVPR 2024: reciprocal sets of
  the own and of the other cameras (CKRNN), expansion over both kinds of neighbours (CLQE).
- modality-aware: "Modality-Aware Bias Mitigation and Invariance Learning", AAAI 2026: half of the seats go to each
  modality, expansion weighs both modalities equally.

They differ in these lists alone; every later step is shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from raydist.errors import ConfigError
from raydist.neighbours.search.ranked import PADDING, GroupedLists, Ranked, merge_topk
from raydist.types import Doubles, Floats, Ints

DistanceName = Literal["jaccard", "camera-aware", "modality-aware"]

Seats = NDArray[np.int32]
"""int32 [r, K]: who sits where; -1 in an empty seat."""


@dataclass(frozen=True)
class DistanceSpec:
    """A Jaccard distance and its parameters; made by `plain`, `camera_aware` or `modality_aware`.

    Attributes:
        name: which distance.
        k1: ranked neighbours of a row, itself included.
        k2: neighbours that a row is averaged over, itself included; 1 for no expansion. Modality-aware: in each modality.
        k1_intra: camera-aware: neighbours in the own camera, the row itself not counted.
        k1_inter: camera-aware: neighbours in other cameras, one less than are ranked (the published convention).
        k2_intra: camera-aware: neighbours of the own camera in the expansion, the row itself included.
        k2_inter: camera-aware: neighbours of other cameras in the expansion.
        gate: modality-aware: None seats every neighbour across, as published, which supposes that nearly everybody is
            seen in both modalities. A number in [0, 1], about the share of rows whose person is not, keeps a neighbour
            across only where it and the row are each other's nearest across, or it is more similar than the nearest
            across of that share of all rows.

    Raises:
        ConfigError: a number is out of range.
    """

    name: DistanceName = "jaccard"
    k1: int = 30
    k2: int = 6
    k1_intra: int = 5
    k1_inter: int = 20
    k2_intra: int = 2
    k2_inter: int = 4
    gate: float | None = None

    def __post_init__(self) -> None:
        for field in ("k1", "k2", "k1_intra", "k1_inter", "k2_intra", "k2_inter"):
            if getattr(self, field) < (0 if field == "k2_inter" else 1):
                raise ConfigError(f"{field} = {getattr(self, field)}: give at least 1")
        if self.name == "modality-aware" and self.k1 < 2:
            raise ConfigError(
                f"k1 = {self.k1}: the modality-aware distance seats k1 / 2 neighbours of each modality; give at least 2"
            )
        if self.gate is not None and (self.name != "modality-aware" or not 0 <= self.gate <= 1):
            raise ConfigError(
                f"gate = {self.gate} with {self.name}: expected a share in [0, 1], with modality-aware; leave it out for no gate"
            )

    @classmethod
    def plain(cls, *, k1: int = 30, k2: int = 6) -> DistanceSpec:
        """The k-reciprocal Jaccard distance of Zhong et al."""
        return cls("jaccard", k1, k2)

    @classmethod
    def camera_aware(
        cls, *, k1_intra: int = 5, k1_inter: int = 20, k2_intra: int = 2, k2_inter: int = 4
    ) -> DistanceSpec:
        """CA-Jaccard; a camera may be any grouping, such as the modality."""
        return cls("camera-aware", k1_intra=k1_intra, k1_inter=k1_inter, k2_intra=k2_intra, k2_inter=k2_inter)

    @classmethod
    def modality_aware(cls, *, k1: int = 30, k2: int = 6, gate: float | None = None) -> DistanceSpec:
        """The modality-aware Jaccard distance (MAJ)."""
        return cls("modality-aware", k1, k2, gate=gate)

    @property
    def group(self) -> Literal["camera", "modality"] | None:
        """What splits neighbours into those within and those across; None when all are within."""
        groups: dict[DistanceName, Literal["camera", "modality"]] = {
            "camera-aware": "camera",
            "modality-aware": "modality",
        }
        return groups.get(self.name)

    @property
    def num_within(self) -> int:
        """How many neighbours to search in a row's own group, itself left out."""
        if self.name == "camera-aware":
            return max(self.k1_intra, self.k2_intra - 1)
        return (self.k1 if self.name == "jaccard" else self.k1 // 2) - 1

    @property
    def num_across(self) -> int:
        """How many neighbours to search in all other groups."""
        if self.name == "camera-aware":
            return max(self.k1_inter + 1, self.k2_inter)
        return self.k1 // 2 if self.name == "modality-aware" else 0

    @property
    def half(self) -> int:
        """The half set of the reciprocal expansion, rounded half to even; 0 for none, as in CKRNN."""
        return 0 if self.name == "camera-aware" else int(np.around(self.k1 / 2))


@dataclass(frozen=True)
class RankedLists:
    """The seats of r rows.

    Attributes:
        ids: int32 [r, K], the neighbours that may be reciprocal, best first, and the row itself before them.
        similarities: float32 [r, K], rounded once from the exact dot product; 1 for the row itself, -inf in an empty seat.
        split: the seats from this one on are a list of their own, of the neighbours across; K or more where there is one list.
        seats: int32 [r, K2], whom the query expansion averages over.
        shares: float64 [r, K2], with what weight; rows sum to 1, 0 in an empty seat.
    """

    ids: Seats
    similarities: Floats
    split: int
    seats: Seats
    shares: Doubles

    @staticmethod
    def join(parts: Sequence[RankedLists]) -> RankedLists:
        """The lists of all rows, out of those of consecutive slabs."""
        if len(parts) == 1:
            return parts[0]
        columns = {
            name: [getattr(part, name) for part in parts]
            for name in ("ids", "similarities", "seats", "shares")
        }
        return RankedLists(
            split=parts[0].split, **{name: np.concatenate(column) for name, column in columns.items()}
        )

    def renumbered(self, order: Ints) -> RankedLists:
        """The lists of all rows when row ``order[r]`` is called r, for every r."""
        new_name = np.empty(len(order) + 1, np.int32)
        new_name[order] = np.arange(len(order))
        new_name[-1] = PADDING  # the extra place at the end is where an empty seat looks
        return RankedLists(
            new_name[self.ids[order]],
            self.similarities[order],
            self.split,
            new_name[self.seats[order]],
            self.shares[order],
        )

    def without_tables(self) -> RankedLists:
        """The seats and shares alone, which is all that the query expansion needs."""
        nobody = np.empty((len(self.ids), 0))
        return RankedLists(nobody.astype(np.int32), nobody.astype(np.float32), 0, self.seats, self.shares)


def ranked_lists(spec: DistanceSpec, rows: Ints, within: Ranked, across: Ranked) -> RankedLists:
    """The seats of some rows under one of the distances.

    A row comes first in its own list, whatever else has the same feature. A group with fewer rows than seats leaves
    seats empty (the published code fills them from the wrong group).

    Args:
        spec: the distance.
        rows: int64 [r].
        within: neighbours in the own group, the rows themselves left out, of ``spec.num_within`` columns.
        across: neighbours in other groups, of ``spec.num_across`` columns.
    """
    near = _side_by_side(rows[:, None], within[0], dtype=np.int32)
    nearness = _side_by_side(np.ones((len(rows), 1)), within[1], dtype=np.float32)
    if spec.name == "jaccard":
        seats = near[:, : spec.k2]
        return RankedLists(near[:, : spec.k1], nearness[:, : spec.k1], spec.k1, seats, _equal_shares(seats))
    if spec.name == "camera-aware":
        intra, inter = slice(spec.k1_intra + 1), slice(spec.k1_inter + 1)
        ids = _side_by_side(near[:, intra], across[0][:, inter], dtype=np.int32)
        similarities = _side_by_side(nearness[:, intra], across[1][:, inter], dtype=np.float32)
        seats = _side_by_side(near[:, : spec.k2_intra], across[0][:, : spec.k2_inter], dtype=np.int32)
        return RankedLists(ids, similarities, near[:, intra].shape[1], seats, _equal_shares(seats))
    itself = rows[:, None], np.full((len(rows), 1), np.inf)
    ids, values = merge_topk((itself, within, across), k=2 * (spec.k1 // 2))
    values[:, 0] = 1
    near, far = near[:, : spec.k2], across[0][:, : spec.k2 if spec.k2 > 1 else 0]
    seats = _side_by_side(near, far, dtype=np.int32)
    return RankedLists(
        ids.astype(np.int32), values.astype(np.float32), ids.shape[1], seats, _balanced_shares(near, far)
    )


def _side_by_side(*columns: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(columns, axis=1, dtype=dtype, casting="same_kind")


def join_lists(spec: DistanceSpec, slabs: Sequence[Ints], found: Sequence[GroupedLists]) -> RankedLists:
    """The seats of all rows, out of the neighbours that were found for each slab, through the gate if there is one.

    Args:
        spec: the distance.
        slabs: consecutive rows, int64 [r] each; at least one slab.
        found: for each slab its neighbours within and across, as `ranked_lists` takes them.
    """
    within, across = zip(*found, strict=True)
    if spec.gate is not None and any(len(rows) for rows in slabs):
        nearest, similarity = (
            np.concatenate([column[:, 0] for column in columns]) for columns in zip(*across, strict=True)
        )
        floor = _quantile(similarity[nearest != PADDING], spec.gate)
        across = tuple(_gated(rows, far, nearest, floor) for rows, far in zip(slabs, across, strict=True))
    return RankedLists.join([ranked_lists(spec, *slab) for slab in zip(slabs, within, across, strict=True)])


def _gated(rows: Ints, across: Ranked, nearest: Ints, floor: float) -> Ranked:
    """The neighbours across that are mutually nearest or as similar as the floor, moved up to the front."""
    ids, similarities = across
    keep = similarities >= floor
    met = ids[:, 0] != PADDING
    keep[met, 0] |= nearest[ids[met, 0]] == rows[met]
    return merge_topk([(np.where(keep, ids, PADDING), np.where(keep, similarities, -np.inf))], k=ids.shape[1])


def _quantile(values: Doubles, share: float) -> float:
    """The value that the given share of all values lies below; -inf without values."""
    return float(np.sort(values)[int(share * (values.size - 1))]) if values.size else -np.inf


def _equal_shares(seats: NDArray[Any]) -> Doubles:
    taken = seats != PADDING
    return taken / taken.sum(axis=1, keepdims=True)


def _balanced_shares(near: NDArray[Any], far: NDArray[Any]) -> Doubles:
    """Half the weight to each side, all of it to the near side of a row that has nobody on the far side."""
    num_far = (far != PADDING).sum(axis=1, keepdims=True)
    near_weight = np.where(num_far > 0, 0.5, 1.0)
    near_shares = _equal_shares(near) * near_weight
    return np.hstack((near_shares, (far != PADDING) * (0.5 / np.maximum(num_far, 1))))
