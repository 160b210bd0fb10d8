"""The geometry of a line chart: values become positions in pixels, which `chart.html` writes as SVG.

A `Plot` says what is drawn, a `Chart` where it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from raydist.reports.axis import Tick, tick_labels, tick_values
from raydist.reports.marks import Mark

WIDTH, HEIGHT = 560, 312
LEFT, RIGHT, TOP, BOTTOM = 62, 548, 26, 262

MAX_X_STEPS = 8
"""Steps between the ticks of the horizontal axis, at most."""

MAX_MARKED_POINTS = 40
"""A line of more points than this is drawn without markers."""

LETTER_WIDTH = 6.5
"""Pixels that a letter of a stage's name takes, to decide whether the name fits."""

MARKERS = (
    "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "m-3-3h6v6h-6z",
    "m0-4l4 4-4 4-4-4z",
    "m0-4l4 7h-8z",
)
"""Circle, square, diamond, triangle as SVG path steps from their centre: lines differ in more than colour."""


@dataclass(frozen=True)
class Series:
    """One metric over the epochs, over the trials of a study, or over similarities.

    Attributes:
        name: its text in the legend.
        points: (epoch, value); values that are not finite are not drawn.
        tone: the name of its colour in `page.css`.
        joined: whether a line connects the points.
        stepped: whether that line holds each value up to the next point, and the last to the end of the axis.
        marked: whether points have markers, if they are not too many.
    """

    name: str
    points: Sequence[tuple[float, float]]
    tone: str
    joined: bool = True
    stepped: bool = False
    marked: bool = True

    @property
    def finite(self) -> list[tuple[float, float]]:
        """The points that can be drawn."""
        return [point for point in self.points if math.isfinite(point[1])]


@dataclass(frozen=True)
class ReferenceLine:
    """A straight line to compare the series with, at a value of either axis."""

    name: str
    value: float
    tone: str


@dataclass(frozen=True)
class Band:
    """A stage: the epochs after `begin` up to `end`."""

    name: str
    begin: int
    end: int


@dataclass(frozen=True)
class Plot:
    """What is drawn in one pair of axes.

    Attributes:
        title: the metric, with its unit.
        series: the lines.
        decimals: of a value in descriptions and tables; with 0 the ticks are whole numbers too.
        from_zero: whether the axis must show zero.
        references: horizontal lines to compare with.
        x_name: what the horizontal axis counts.
        x_ends: the ends of the horizontal axis where it counts nothing; None for one from 0 to a number of
            epochs.
        limits: vertical lines.
    """

    title: str
    series: Sequence[Series]
    decimals: int
    from_zero: bool = False
    references: Sequence[ReferenceLine] = ()
    x_name: str = "epoch"
    x_ends: tuple[float, float] | None = None
    limits: Sequence[ReferenceLine] = ()


@dataclass(frozen=True)
class Line:
    """A drawn series: `path` and `markers` are SVG path data, `marker` is one marker around the origin."""

    name: str
    tone: str
    path: str
    markers: str
    marker: str


@dataclass(frozen=True)
class Stripe:
    """A drawn band, in pixels; `label` is empty where the name does not fit."""

    left: float
    width: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A drawn plot.

    Attributes:
        title, x_name: of the plot.
        description: what the lines do, for screen readers.
        x_ticks, y_ticks: ticks of both axes.
        lines: the series that have points.
        references: (height in pixels, name, tone).
        stripes: the stages.
        limits: vertical lines, (place in pixels, name, tone).
        marks: the values at each place of the horizontal axis.
    """

    title: str
    x_name: str
    description: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Line]
    references: Sequence[tuple[float, str, str]]
    stripes: Sequence[Stripe]
    limits: Sequence[tuple[float, str, str]] = ()
    marks: Sequence[Mark] = ()


def draw(plot: Plot, *, num_epochs: int = 0, bands: Sequence[Band] = ()) -> Chart | None:
    """Lay out a plot over the epochs 0 to `num_epochs`, or over its own ends.

    Args:
        plot: the series.
        num_epochs: the right end of the axis; charts of equal ends can be read side by side.
        bands: stages, drawn behind the lines.

    Returns:
        The chart, or None when no series has a finite value.
    """
    shown = [series for series in plot.series if series.finite]
    if not shown:
        return None
    low, high = plot.x_ends or (0, max(num_epochs, 1))
    heights = _y_values(plot, shown)
    ticks = tick_values(low, high, max_steps=MAX_X_STEPS, whole=plot.x_ends is None)
    ticks = [tick for tick in ticks if low <= tick <= high]

    def x(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (value - low) / (high - low), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - heights[0]) / (heights[-1] - heights[0]), 1)

    positions = [[(x(at), y(value)) for at, value in series.finite] for series in shown]
    return Chart(
        plot.title,
        plot.x_name,
        alt_text(plot.title, shown, plot.decimals, x_name=plot.x_name),
        [Tick(x(tick), label) for tick, label in zip(ticks, tick_labels(ticks), strict=True)],
        [Tick(y(value), label) for value, label in zip(heights, tick_labels(heights), strict=True)],
        [
            _line(series, points, MARKERS[i % len(MARKERS)])
            for i, (series, points) in enumerate(zip(shown, positions, strict=True))
        ],
        [(y(line.value), line.name, line.tone) for line in plot.references],
        [_stripe(band, x(band.begin), x(band.end)) for band in bands],
        [(x(line.value), line.name, line.tone) for line in plot.limits],
        [Mark(x(at), TOP, 0, BOTTOM - TOP, text) for at, text in _values_by_place(plot, shown, bands)],
    )


def alt_text(title: str, series: Sequence[Series], decimals: int, *, x_name: str = "epoch") -> str:
    """What the lines of a chart do, in one sentence.

    >>> alt_text("Clusters", [Series("visible", [(1, 4), (9, 12)], "visible")], 0)
    'Clusters: visible from 4 at epoch 1 to 12 at epoch 9.'
    """
    parts = []
    for one in series:
        (begin, first), (end, last) = one.finite[0], one.finite[-1]
        start = f"from {first:.{decimals}f} at {x_name} {begin:g} to " if end > begin else ""
        parts.append(f"{one.name} {start}{last:.{decimals}f} at {x_name} {end:g}")
    return f"{title}: {'; '.join(parts)}."


def _y_values(plot: Plot, shown: Sequence[Series]) -> list[float]:
    """The ticks of the vertical axis, which enclose all that is drawn."""
    values = [value for series in shown for _, value in series.finite]
    values += [line.value for line in plot.references]
    lowest = min(*values, 0.0) if plot.from_zero else min(values)
    return tick_values(lowest, max(values), whole=plot.decimals == 0)


def _values_by_place(plot: Plot, shown: Sequence[Series], bands: Sequence[Band]) -> list[tuple[float, str]]:
    """Each place that has a value, in order, with a line for every series that has one there."""
    lines: dict[float, list[str]] = {}
    for series in shown:
        for at, value in series.finite:
            lines.setdefault(at, []).append(f"{series.name} {value:,.{plot.decimals}f}")
    stages = {at: next((b.name for b in bands if b.begin < at <= b.end), "") for at in lines}
    return [
        (at, "\n".join([f"{plot.x_name} {at:g}" + (f", {stages[at]}" if stages[at] else ""), *lines[at]]))
        for at in sorted(lines)
    ]


def _line(series: Series, positions: Sequence[tuple[float, float]], marker: str) -> Line:
    marked = positions if len(positions) <= MAX_MARKED_POINTS or not series.joined else []
    markers = "".join(f"M{x} {y}{marker}" for x, y in marked) if series.marked else ""
    return Line(series.name, series.tone, _path(series, positions), markers, f"M0 0{marker}")


def _path(series: Series, positions: Sequence[tuple[float, float]]) -> str:
    if not series.joined:
        return ""
    if not series.stepped:
        return "M" + "L".join(f"{x} {y}" for x, y in positions)
    (left, first), *others = positions
    return f"M{left} {first}" + "".join(f"H{x}V{y}" for x, y in others) + f"H{RIGHT}"


def _stripe(band: Band, left: float, right: float) -> Stripe:
    width = round(right - left, 1)
    return Stripe(left, width, band.name if len(band.name) * LETTER_WIDTH < width else "")
