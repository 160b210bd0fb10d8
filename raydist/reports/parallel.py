"""The geometry of parallel coordinates: an axis for each parameter, a line for each trial (Inselberg, 1985).

A line goes from value to value up to the objective on the last axis. Those of good trials are drawn last and
in a stronger stroke, so that what they have in common can be seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from raydist.reports.axis import Tick, tick_labels
from raydist.tuning.distributions import Distribution
from raydist.tuning.trial import Trial

WIDTH, HEIGHT = 1120, 400
LEFT, RIGHT, TOP, BOTTOM = 100, 1030, 120, 370

MAX_AXES = 10
"""Parameters that are drawn, at most: more are illegible."""

GRADES = ("lower", "middle", "upper")
"""Thirds of the trials by their objective: names of strokes in `page.css`. The winner has its own stroke."""


@dataclass(frozen=True)
class Axis:
    """A parameter, or the objective, in pixels."""

    at: float
    name: str
    ticks: Sequence[Tick]


@dataclass(frozen=True)
class TrialLine:
    """A drawn trial: `path` is SVG path data, `grade` one of `GRADES` or ``winner``, `title` a
    description."""

    path: str
    grade: str
    stopped: bool
    title: str


@dataclass(frozen=True)
class Parallel:
    """Drawn parallel coordinates; `description` says what they show, for screen readers."""

    axes: Sequence[Axis]
    lines: Sequence[TrialLine]
    description: str


def draw_parallel(
    trials: Sequence[Trial], parameters: Mapping[str, Distribution], *, objective: str, winner: int | None
) -> Parallel | None:
    """Lay out the trials that have a value of the objective.

    Args:
        trials: of a study.
        parameters: the first `MAX_AXES` are drawn.
        objective: the metric on the last axis.
        winner: the number of the best trial.

    Returns:
        The drawing, or None when no trial has a value.
    """
    values = {trial.number: value for trial in trials if (value := trial.last(objective)) is not None}
    if not values:
        return None
    shown = dict(list(parameters.items())[:MAX_AXES])
    positions = [LEFT + (RIGHT - LEFT) * n / len(shown) for n in range(len(shown) + 1)]
    low, high = min(values.values()), max(values.values())
    axes = [_axis(x, name, shown[name]) for x, name in zip(positions[:-1], shown, strict=True)]
    axes.append(Axis(round(positions[-1], 1), objective, _ticks([low, high] if high > low else [low])))

    by_number = {trial.number: trial for trial in trials}
    lines = []
    order = sorted(values, key=lambda number: (number == winner, values[number], -number))
    for rank, number in enumerate(order):
        trial, value = by_number[number], values[number]
        heights = [position(distribution, trial.sample[name]) for name, distribution in shown.items()]
        heights.append((value - low) / (high - low) if high > low else 0.5)
        path = "M" + "L".join(f"{x:.1f} {_y(height)}" for x, height in zip(positions, heights, strict=True))
        grade = "winner" if number == winner else GRADES[len(GRADES) * rank // len(order)]
        title = f"trial {number}, {objective} {value:.4g}"
        lines.append(TrialLine(path, grade, trial.state == "stopped", title))
    description = (
        f"{len(order)} trials over {len(shown)} parameters; {objective} from {low:.4g} to {high:.4g}."
    )
    return Parallel(axes, lines, description)


def position(distribution: Distribution, value: object) -> float:
    """Where a value lies on its axis, 0 for the smallest that can be drawn and 1 for the largest.

    A loguniform value is placed by its logarithm, a choice by its position in the list.

    >>> position(Distribution("loguniform", (0.01, 1)), 0.1)
    0.5
    >>> position(Distribution("choice", ("a", "b", "c")), "c")
    1.0
    """
    if distribution.kind == "choice":
        return distribution.values.index(value) / (len(distribution.values) - 1)
    scale = math.log if distribution.kind == "loguniform" else float
    low, high, at = (scale(x) for x in (*distribution.values[:2], value))
    return (at - low) / (high - low)


def _axis(x: float, name: str, distribution: Distribution) -> Axis:
    if distribution.kind == "choice":
        ticks = [Tick(_y(position(distribution, value)), str(value)) for value in distribution.values]
    else:
        ticks = _ticks(distribution.values[:2])
    return Axis(round(x, 1), name.replace("method.", ""), ticks)


def _ticks(ends: Sequence[float]) -> list[Tick]:
    """The ends of an axis; a single value is put at its middle."""
    heights = [0.0, 1.0] if len(ends) == 2 else [0.5]
    labels = tick_labels([float(f"{end:.3g}") for end in ends])
    return [Tick(_y(height), label) for height, label in zip(heights, labels, strict=True)]


def _y(height: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * height, 1)
