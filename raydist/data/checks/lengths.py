"""How long the tracklets are: a histogram over ranges that double, one for each modality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raydist.data.tracklets import TrackletTable
from raydist.types import Ints, Modality


@dataclass(frozen=True)
class Lengths:
    """Tracklets by their number of frames.

    Attributes:
        ranges: B ranges of lengths, both ends included: 1 to 1, 2 to 3, 4 to 7, and so on; the first and the
            last are not empty.
        tracklets: label of the modality -> [B] tracklets in each range.
        num_single: label of the modality -> tracklets of one frame.
        quartiles: label of the modality -> frames of the shortest tracklet, at a quarter, half and three
            quarters of all, and of the longest; empty where there are no tracklets.
    """

    ranges: list[tuple[int, int]]
    tracklets: dict[str, list[int]]
    num_single: dict[str, int]
    quartiles: dict[str, list[float]]


def tracklet_lengths(table: TrackletTable) -> Lengths:
    """The lengths of all tracklets of a table."""
    exponents = np.frexp(table.num_frames)[1] - 1  # the largest e with 2 ** e <= length
    first, last = (int(exponents.min()), int(exponents.max())) if len(table) else (0, -1)
    of_modality = {modality: table.modality == modality for modality in Modality}
    return Lengths(
        [(2**exponent, 2 ** (exponent + 1) - 1) for exponent in range(first, last + 1)],
        {
            modality.label: np.bincount(exponents[rows] - first, minlength=last - first + 1).tolist()
            for modality, rows in of_modality.items()
        },
        {modality.label: int((table.num_frames[rows] == 1).sum()) for modality, rows in of_modality.items()},
        {modality.label: _quartiles(table.num_frames[rows]) for modality, rows in of_modality.items()},
    )


def _quartiles(lengths: Ints) -> list[float]:
    return np.quantile(lengths, np.linspace(0, 1, 5)).tolist() if len(lengths) else []
