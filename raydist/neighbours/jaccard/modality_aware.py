"""The modality-aware Jaccard distance (MAJ).

"Modality-Aware Bias Mitigation and Invariance Learning", AAAI 2026: half of a list comes from each modality,
and query expansion weighs both modalities equally.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from raydist.neighbours.jaccard.distance import RENORMALISE_HELP, Distance, Group, Ranking, half_set
from raydist.neighbours.jaccard.ranked_lists import RankedLists, equal_weights, side_by_side
from raydist.neighbours.search.ranked import PADDING, Ranked, merge_topk
from raydist.parameters import parameter
from raydist.types import Doubles, Ints


@dataclass(frozen=True)
class ModalityAwareJaccard(Distance):
    """One list with the nearest rows of each modality.

    A group with fewer rows than its half of the list leaves padding (the published code takes rows of the
    wrong group).

    Attributes:
        k1: ranked neighbours of a row, itself included, half of them of each modality.
        k2: neighbours of each modality that a row is averaged over, itself included; 1 for no expansion.
        gate: None takes every neighbour across, as published, which supposes that nearly every person is seen
            in both modalities. A number in [0, 1], about the share of rows whose person is not, takes a
            neighbour across only where it and the row are each other's nearest across, or it is more similar
            than the nearest across of that share of all rows.
        renormalise: whether features are of unit length; else rows of any length up to 1 are ranked by dot
            product, the row itself too, as in the published code.
    """

    k1: int = parameter(
        30, ge=2, per_modality=True, help="Ranked neighbours of a tracklet, half of them of each modality."
    )
    k2: int = parameter(6, ge=1, help="Neighbours of each modality in the query expansion, 1 for none.")
    gate: float | None = parameter(
        None,
        ge=0,
        le=1,
        help="Modality-aware: about the share of tracklets whose person the other modality never sees.",
    )

    renormalise: bool = parameter(True, help=RENORMALISE_HELP)

    name: ClassVar[str] = "modality-aware"
    group: ClassVar[Group | None] = "modality"

    @property
    def ranking(self) -> Ranking:
        """By dot product where features need not be of unit length."""
        return "unit" if self.renormalise else "product"

    @property
    def num_within(self) -> int:
        """Half of the list, without the row itself where that is sure to be there."""
        return self.k1 // 2 - int(self.renormalise)

    @property
    def num_across(self) -> int:
        """Half of the list."""
        return self.k1 // 2

    @property
    def half(self) -> int:
        """Half of `k1`."""
        return half_set(self.k1)

    @property
    def cut(self) -> str | None:
        """`k2` above half of `k1`."""
        if self.k2 <= self.k1 // 2:
            return None
        return (
            f"k2 = {self.k2} with k1 = {self.k1}: only the {self.k1 // 2} ranked neighbours of each modality "
            "can be averaged"
        )

    @property
    def num_averaged(self) -> int:
        """`k2` rows of each modality; without expansion the row alone."""
        return self.k2 + self._num_averaged_across

    @property
    def _num_averaged_across(self) -> int:
        return self.k2 if self.k2 > 1 else 0

    def ranked_lists(self, rows: Ints, within: Ranked, across: Ranked) -> RankedLists:
        """One list by similarity; the first `k2` rows of each modality get half the weight each."""
        itself = rows[:, None], np.full((len(rows), 1), np.inf)  # before all others, also before equal rows
        if not self.renormalise:  # it is there already
            itself = itself[0][:, :0], itself[1][:, :0]
        ids, similarities = merge_topk((itself, within, across), k=2 * (self.k1 // 2))
        if self.renormalise:
            similarities[:, 0] = 1
        near = side_by_side(itself[0], within[0], dtype=np.int32)[:, : self.k2]
        if self.k2 == 1:
            near = rows[:, None].astype(np.int32)  # no expansion
        far = across[0][:, : self._num_averaged_across]
        return RankedLists(
            ids.astype(np.int32),
            similarities.astype(np.float32),
            ids.shape[1],
            side_by_side(near, far, dtype=np.int32),
            _balanced_weights(near, far),
        )

    def filter_across(self, slabs: Sequence[Ints], across: Sequence[Ranked]) -> Sequence[Ranked]:
        """Those that pass the gate."""
        if self.gate is None or not any(len(rows) for rows in slabs):
            return across
        nearest = np.concatenate([ids[:, 0] for ids, _ in across])
        similarity = np.concatenate([similarities[:, 0] for _, similarities in across])
        floor = _quantile(similarity[nearest != PADDING], self.gate)
        return [_gated(rows, lists, nearest, floor) for rows, lists in zip(slabs, across, strict=True)]


def _gated(rows: Ints, across: Ranked, nearest: Ints, floor: float) -> Ranked:
    """The neighbours across that are as similar as the floor, or mutually nearest; moved up to the front.

    Args:
        rows: int64 [r].
        across: their neighbours across.
        nearest: int64 [N], the nearest row across of every row, padded with -1.
        floor: the similarity that lets a neighbour pass.
    """
    ids, similarities = across
    passes = similarities >= floor
    has_any = ids[:, 0] != PADDING
    passes[has_any, 0] |= nearest[ids[has_any, 0]] == rows[has_any]
    kept = np.where(passes, ids, PADDING), np.where(passes, similarities, -np.inf)
    return merge_topk([kept], k=ids.shape[1])


def _quantile(values: Doubles, share: float) -> float:
    """The value that the given share of all values lies below; -inf without values."""
    return float(np.sort(values)[int(share * (values.size - 1))]) if values.size else -np.inf


def _balanced_weights(near: NDArray[Any], far: NDArray[Any]) -> Doubles:
    """Half the weight to the neighbours of each side; all to the near side where the far side has none."""
    num_far = (far != PADDING).sum(axis=1, keepdims=True)
    near_weights = equal_weights(near) * np.where(num_far > 0, 0.5, 1.0)
    return np.hstack((near_weights, (far != PADDING) * (0.5 / np.maximum(num_far, 1))))
