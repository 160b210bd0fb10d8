"""Mean ranks of variants, and how far they must be apart to differ (Demsar, JMLR 7, 2006).

Every seed ranks the variants. Two of them differ at the level of 5 % by the test of Nemenyi where their mean
ranks are at least the critical difference apart: q sqrt(k (k + 1) / (6 n)) for k variants and n seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from scipy.stats import rankdata, studentized_range

from raydist.types import Doubles

LEVEL = 0.05


@dataclass(frozen=True)
class RankedVariants:
    """Variants by their mean rank.

    Attributes:
        ranks: [k], the mean rank of each, 1 for the best; equal values share their ranks.
        difference: that two mean ranks must have.
        num_blocks: n, by how many rankings.
    """

    ranks: Doubles
    difference: float
    num_blocks: int

    def groups(self) -> list[tuple[float, float]]:
        """The lowest and the highest mean rank of each largest group of variants that do not differ.

        >>> RankedVariants(np.array([1.0, 2.0, 2.5, 4.0]), 1.2, 9).groups()
        [(1.0, 2.0), (2.0, 2.5)]
        """
        ranks = np.sort(self.ranks)
        last = np.searchsorted(ranks, ranks + self.difference, side="left") - 1
        spans = [(low, high) for low, high in enumerate(last.tolist()) if high > low]
        largest = [span for n, span in enumerate(spans) if n == 0 or span[1] > spans[n - 1][1]]
        return [(float(ranks[low]), float(ranks[high])) for low, high in largest]


def rank_variants(scores: Doubles) -> RankedVariants | None:
    """Mean ranks and their critical difference.

    Args:
        scores: [n, k], of each seed and variant; the largest is the best.

    Returns:
        None for fewer than two variants or seeds, of which nothing can be said.

    >>> found = rank_variants(np.array([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0], [9.0, 8.0, 8.0]]))
    >>> found.ranks.tolist(), round(found.difference, 3)
    ([1.0, 2.5, 2.5], 1.914)
    """
    num_blocks, num_variants = scores.shape
    if num_blocks < 2 or num_variants < 2:
        return None
    ranks = rankdata(-scores, axis=1).mean(axis=0)
    quantile = float(studentized_range.ppf(1 - LEVEL, num_variants, inf)) / sqrt(2)
    difference = quantile * sqrt(num_variants * (num_variants + 1) / (6 * num_blocks))
    return RankedVariants(ranks, difference, num_blocks)
