"""Mean ranks on a line, and the groups that do not differ as bars (Demsar, JMLR 7, 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raydist.engine.critical_difference import RankedVariants

WIDTH, LEFT, RIGHT = 640, 40, 600
TOP, BAR_STEP, LABEL_STEP = 40, 10, 22


@dataclass(frozen=True)
class RankPicture:
    """What is drawn, in pixels.

    Attributes:
        height: of the picture.
        ticks: position and number of each whole rank.
        marks: position of a variant's mean rank, height of its label, and the label, best first.
        bars: start, end and height of each group.
        difference: length of the critical difference.
    """

    height: int
    ticks: Sequence[tuple[float, int]]
    marks: Sequence[tuple[float, int, str]]
    bars: Sequence[tuple[float, float, int]]
    difference: float


def draw_ranks(ranked: RankedVariants, labels: Sequence[str]) -> RankPicture:
    """The picture of some variants.

    Args:
        ranked: k variants.
        labels: of them.

    >>> picture = draw_ranks(RankedVariants(np.array([2.0, 1.0]), 0.5, 5), ["pgm", "cba"])
    >>> picture.marks
    [(40.0, 72, 'cba (1.00)'), (600.0, 94, 'pgm (2.00)')]
    """
    most = len(labels)

    def at(rank: float) -> float:
        return float(LEFT + (RIGHT - LEFT) * (rank - 1) / max(most - 1, 1))

    groups = ranked.groups()
    below = TOP + BAR_STEP * (len(groups) + 1) + LABEL_STEP
    order = np.argsort(ranked.ranks, kind="stable").tolist()
    marks = [
        (
            at(ranked.ranks[variant]),
            below + LABEL_STEP * place,
            f"{labels[variant]} ({ranked.ranks[variant]:.2f})",
        )
        for place, variant in enumerate(order)
    ]
    return RankPicture(
        height=below + LABEL_STEP * most,
        ticks=[(at(rank), rank) for rank in range(1, most + 1)],
        marks=marks,
        bars=[
            (at(low), at(high), TOP + BAR_STEP * (number + 1)) for number, (low, high) in enumerate(groups)
        ],
        difference=at(1 + ranked.difference) - LEFT,
    )
