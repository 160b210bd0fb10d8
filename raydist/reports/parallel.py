"""The geometry of parallel coordinates: an axis a parameter, a thread a trial, from value to value up to the objective.

Inselberg (1985). Threads of good trials are drawn last and in a stronger stroke, so that what they share can be seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from raydist.reports.chart import Tick, labels
from raydist.tuning.records import Trial
from raydist.tuning.space import Distribution

WIDTH, HEIGHT = 1120, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 1030, 120, 370

MAX_AXES = 10
"""Parameters that are drawn, at most: more cannot be told apart."""

GRADES = ("lower", "middle", "upper")
"""Thirds of the trials by their objective, the names of strokes in `page.css`; the winner has one of its own."""


@dataclass(frozen=True)
class Axis:
    """A parameter, or the objective, in pixels."""

    at: float
    name: str
    ticks: Sequence[Tick]


@dataclass(frozen=True)
class Thread:
    """A trial as SVG path data; `grade` is of `GRADES`, or ``winner``."""

    path: str
    grade: str
    stopped: bool
    words: str


@dataclass(frozen=True)
class Parallel:
    """Drawn parallel coordinates; `words` says what they show for those who do not see them."""

    axes: Sequence[Axis]
    threads: Sequence[Thread]
    words: str


def draw_parallel(
    trials: Sequence[Trial], parameters: Mapping[str, Distribution], *, objective: str, winner: int | None
) -> Parallel | None:
    """Lay out the trials that have a value of the objective.

    Args:
        trials: of a study.
        parameters: the first `MAX_AXES` are drawn.
        objective: the measure on the last axis.
        winner: the number of the best trial.

    Returns:
        The drawing, or None when no trial has a value.
    """
    ended = {trial.number: value for trial in trials if (value := trial.last(objective)) is not None}
    if not ended:
        return None
    names = list(parameters)[:MAX_AXES]
    places = [LEFT + (RIGHT - LEFT) * n / len(names) for n in range(len(names) + 1)]
    low, high = min(ended.values()), max(ended.values())
    axes = [_axis(x, name, parameters[name]) for x, name in zip(places[:-1], names, strict=True)]
    axes.append(Axis(round(places[-1], 1), objective, _ticks([low, high] if high > low else [low])))
    order = sorted(ended, key=lambda number: (number == winner, ended[number], -number))
    by_number = {trial.number: trial for trial in trials}
    threads = []
    for rank, number in enumerate(order):
        trial = by_number[number]
        heights = [position(parameters[name], trial.sample[name]) for name in names]
        heights.append((ended[number] - low) / (high - low) if high > low else 0.5)
        path = "M" + "L".join(f"{x:.1f} {_y(h)}" for x, h in zip(places, heights, strict=True))
        grade = "winner" if number == winner else GRADES[len(GRADES) * rank // len(order)]
        threads.append(
            Thread(path, grade, trial.state == "stopped", f"trial {number}, {objective} {ended[number]:.4g}")
        )
    words = f"{len(order)} trials over {len(names)} parameters; {objective} from {low:.4g} to {high:.4g}."
    return Parallel(axes, threads, words)


def position(distribution: Distribution, value: object) -> float:
    """Where a value lies between the least and the largest that can be drawn, in [0, 1]; loguniform ones by their logarithm.

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
    """The ends of an axis, or the one value there is at its middle."""
    heights = [0.0, 1.0] if len(ends) == 2 else [0.5]
    return [
        Tick(_y(h), text)
        for h, text in zip(heights, labels([float(f"{end:.3g}") for end in ends]), strict=True)
    ]


def _y(height: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * height, 1)
