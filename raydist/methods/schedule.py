"""When something begins within a stage: as a share of its epochs, or at an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from raydist.config import Expected, Positive

Moment = Annotated[
    Annotated[float, Field(ge=0, le=1)] | Annotated[str, Field(pattern=r"^epoch \d+$")],
    Expected("a share of the stage, 0 to 1, or epoch N, such as epoch 5"),
]
"""A share of the stage, 0 to 1, or ``epoch N``, counted from 0 at the start of the stage."""


def _upwards(ramp: tuple[tuple[float | str, float], ...]) -> tuple[tuple[float | str, float], ...]:
    """The ramp, whose shares go upwards, and so do its epochs; a share and an epoch can be in any order."""
    for by_number in (True, False):
        chosen = [moment for moment, _ in ramp if isinstance(moment, str) == by_number]
        _require_upwards([float(str(moment).removeprefix("epoch ")) for moment in chosen])
    return ramp


def _one_or_upwards(epochs: int | tuple[int, ...]) -> int | tuple[int, ...]:
    if not isinstance(epochs, int):
        _require_upwards(epochs)
    return epochs


def _require_upwards(values: Sequence[float]) -> None:
    if any(later <= earlier for earlier, later in pairwise(values)):
        raise ValueError


Ramp = Annotated[
    tuple[tuple[Moment, Annotated[float, Field(ge=0)]], ...],
    AfterValidator(_upwards),
    Expected(
        "pairs of a moment and the value from there on, at least 0, the moments upwards, such as "
        "[[epoch 5, 0.5], [epoch 9, 1]]"
    ),
]
"""Pairs (moment, value >= 0 from there on), the moments upwards; 0 before the first."""

StepEpochs = Annotated[
    Positive | tuple[Positive, ...],
    AfterValidator(_one_or_upwards),
    Expected("a number of epochs, at least 1, or a list of epochs upwards, such as [20, 40]"),
]
"""Epochs of a stage at which its learning rate falls tenfold, or one number for every so many."""


@dataclass(frozen=True)
class Epoch:
    """An epoch of a stage.

    Attributes:
        index: counted from 0 at the start of the stage.
        count: epochs of the stage.
    """

    index: int
    count: int = 1

    @property
    def midpoint(self) -> float:
        """The middle of the epoch as a share of the stage: a stage of few epochs reaches its last phase too.

        >>> Epoch(1, count=4).midpoint
        0.375
        """
        return (self.index + 0.5) / self.count

    def is_past(self, moment: Moment) -> bool:
        """Whether what begins at this moment is there in this epoch.

        A share is reached in the epoch whose middle lies behind it.

        >>> [Epoch(index, count=4).is_past(0.5) for index in range(4)]
        [False, False, True, True]
        >>> [Epoch(index, count=4).is_past("epoch 3") for index in range(4)]
        [False, False, False, True]
        """
        if isinstance(moment, str):
            return self.index >= int(moment.removeprefix("epoch "))
        return self.midpoint >= moment

    def value_of(self, ramp: Ramp) -> float:
        """The value of the pair of a ramp that began last; 0 before the first.

        >>> [Epoch(index, count=4).value_of((("epoch 1", 0.5), (0.75, 1.0))) for index in range(4)]
        [0.0, 0.5, 0.5, 1.0]
        """
        begun = [(self._first(moment), value) for moment, value in ramp if self.is_past(moment)]
        # a share and an epoch can be in any order; of two that begin together, the later one of the list
        return max(reversed(begun), key=lambda pair: pair[0])[1] if begun else 0.0

    def _first(self, moment: Moment) -> int:
        """The first epoch up to this one in which what begins at a moment is there."""
        return next(index for index in range(self.index + 1) if Epoch(index, self.count).is_past(moment))
