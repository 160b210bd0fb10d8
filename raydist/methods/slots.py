"""Slots: memories of one row a tracklet, which lie whole with every worker, or in parts.

A refresh hands over `NewSlots`, features by reference; every worker takes the rows that it needs from where
they are, and the steps of an epoch see `Slots`. The next refresh makes them anew: no checkpoint has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from raydist.losses.columns import WHOLE, Columns
from raydist.memories.instances import update_slots
from raydist.memories.rules import MemoryRule
from raydist.types import Floats, Ints


class Rows(Protocol):
    """Features of N tracklets, of which anyone can take a part."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """N, K and D."""

    def part(self, first: int, stop: int) -> Floats:
        """float32 [n, K, D]: the consecutive rows from `first` up to `stop`."""

    def placed(self) -> Rows:
        """These rows where they are, for other processes; they stay there until that is dropped."""


@dataclass(frozen=True)
class NewSlots:
    """Slots as a refresh makes them.

    Attributes:
        features: [N, K, D], unit rows.
        column: which of the K features of a tracklet its slot is.
        rows: int64 [n], ascending, the tracklets that have a slot, which are counted in this order; None for
            all.
    """

    features: Rows
    column: int = 0
    rows: Ints | None = None

    def part(self, first: int, stop: int) -> tuple[int, Floats]:
        """The slots of some consecutive tracklets.

        Args:
            first: the number of the first of these tracklets.
            stop: that of the first behind them.

        Returns:
            The number of the first of their slots, and float32 [n, D].
        """
        values = self.features.part(first, stop)[:, self.column]
        if self.rows is None:
            return first, values
        start, end = np.searchsorted(self.rows, (first, stop)).tolist()
        return start, values[self.rows[start:end] - first]


@dataclass(frozen=True)
class Slots:
    """Slots as the steps of an epoch see them; their numbers are those of the whole table.

    Attributes:
        table: [n, D] unit rows, all slots or those here.
        columns: which they are.
    """

    table: Tensor
    columns: Columns = WHOLE

    @torch.no_grad()
    def at(self, numbers: Tensor) -> Tensor:
        """[B, D]: the slots of numbers int64 [B], without a gradient."""
        is_here, place = self.columns.here(numbers)
        own = self.table.new_zeros((len(numbers), self.table.shape[1]))
        own[is_here] = self.table[place[is_here]]
        return self.columns.total(own)

    @torch.no_grad()
    def move(
        self,
        numbers: Tensor,
        features: Tensor,
        *,
        momentum: float,
        rule: MemoryRule = "mean",
        unit: bool = True,
    ) -> None:
        """Move the slots of a batch that are here; see `raydist.memories.instances.update_slots`.

        Args:
            numbers: int64 [B]; negative ones are left out.
            features: [B, D], of any length.
            momentum, rule, unit: see there.
        """
        is_here, place = self.columns.here(numbers)
        update_slots(self.table, place[is_here], features[is_here], momentum=momentum, rule=rule, unit=unit)
