"""Ticks of an axis: round values that enclose a range, and their labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis, in pixels."""

    at: float
    label: str


def tick_values(low: float, high: float, *, max_steps: int = 5, whole: bool = False) -> list[float]:
    """Round values, a 1-2-5 step apart, that enclose a range; always two or more.

    Args:
        low: the smallest value to enclose.
        high: the largest.
        max_steps: the range is divided into at most so many steps; its ends are then rounded outwards.
        whole: whether the step must be a whole number.

    >>> tick_values(0.0, 43.7)
    [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    >>> tick_values(2.0, 2.0)
    [1.8, 1.9, 2.0, 2.1, 2.2]
    >>> tick_values(0, 3, whole=True)
    [0, 1, 2, 3]
    """
    if high - low < 1e-9 * max(abs(low), abs(high), 1.0):
        margin = 0.1 * (abs(low) or 1.0)
        low, high = low - margin, high + margin
    smallest = (high - low) / max_steps
    power = 10.0 ** math.floor(math.log10(smallest))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= smallest * (1 - 1e-9))
    if whole:
        step = max(1, math.ceil(step))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step if whole else round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def tick_labels(values: Sequence[float]) -> list[str]:
    """Tick values as text, all with the decimals that their step needs.

    >>> tick_labels([0.0, 0.25, 0.5]), tick_labels([0, 5000, 10000])
    (['0.00', '0.25', '0.50'], ['0', '5,000', '10,000'])
    """
    decimals = next((n for n in range(9) if all(abs(round(v, n) - v) < 1e-9 for v in values)), 9)
    return [f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}") for value in values]
