"""Which stage an epoch belongs to, and how fast each step learns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from raydist.methods.method import Stage

WARM_UP_SHARE = 0.05
FINAL_FACTOR = 0.01


def allot(epochs: int, shares: Sequence[float], limit: int | None = None) -> list[int]:
    """Share epochs out over stages, every stage at least one.

    Args:
        epochs: in all; raised to the number of stages when smaller.
        shares: the stages' proportions, > 0.
        limit: at most so many in all, but every stage at least one.

    Returns:
        Epochs of each stage; largest remainders first, earlier stages first among equals.

    >>> allot(10, [4, 2, 4])
    [4, 2, 4]
    >>> allot(10, [4, 2, 4], limit=2)
    [1, 1, 1]
    """
    total = max(len(shares), min(epochs, limit or epochs))
    spare = total - len(shares)
    ideal = [spare * share / sum(shares) for share in shares]
    given = [math.floor(x) for x in ideal]
    by_remainder = sorted(range(len(shares)), key=lambda i: (given[i] - ideal[i], i))
    for i in by_remainder[: spare - sum(given)]:
        given[i] += 1
    return [1 + x for x in given]


@dataclass(frozen=True)
class Plan:
    """The stages of a run with their epochs."""

    stages: Sequence[Stage]
    epochs: Sequence[int]

    @property
    def num_epochs(self) -> int:
        """Epochs of the whole run."""
        return sum(self.epochs)

    def at(self, epoch: int) -> tuple[Stage, int, int]:
        """The stage of an epoch, the epoch counted within it, and the stage's epochs."""
        age = epoch
        for stage, length in zip(self.stages, self.epochs, strict=True):
            if age < length:
                return stage, age, length
            age -= length
        raise IndexError(f"epoch {epoch} of a run of {self.num_epochs}")


def learning_rate(schedule: Literal["cosine", "step", "constant"], progress: float) -> float:
    """The factor of the base learning rate at a point of a stage.

    Args:
        schedule: ``cosine`` rises over the first 5 % and falls to 1 %; ``step`` falls tenfold at 40 % and at 80 %, as
            the image methods do at epochs 20 and 40 of 50; ``constant`` is 1.
        progress: the share of the stage's steps already made, in [0, 1).

    >>> learning_rate("step", 0.5)
    0.1
    """
    if schedule == "constant":
        return 1.0
    if schedule == "step":
        return float(0.1 ** sum(progress >= mark for mark in (0.4, 0.8)))
    rise = min(1.0, (progress + 1e-3) / WARM_UP_SHARE)
    return rise * (FINAL_FACTOR + (1 - FINAL_FACTOR) * 0.5 * (1 + math.cos(math.pi * progress)))
