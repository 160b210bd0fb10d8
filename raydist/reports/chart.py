"""The geometry of a line chart: values become positions in pixels, which `chart.html` writes as SVG.

A `Plot` says what is drawn, a `Chart` where it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from raydist.reports.axis import Tick, tick_labels, tick_values

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 548, 26, 262

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
    """One metric over the epochs, or over the trials of a study.

    Attributes:
        name: its text in the legend.
        points: (epoch, value); values that are not finite are not drawn.
        tone: the name of its colour in `page.css`.
        joined: whether a line connects the points.
    """

    name: str
    points: Sequence[tuple[int, float]]
    tone: str
    joined: bool = True

    @property
    def finite(self) -> list[tuple[int, float]]:
        """The points that can be drawn."""
        return [point for point in self.points if math.isfinite(point[1])]


@dataclass(frozen=True)
class ReferenceLine:
    """A horizontal line to compare the series with."""

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
        references: lines to compare with.
        x_name: what the horizontal axis counts.
    """

    title: str
    series: Sequence[Series]
    decimals: int
    from_zero: bool = False
    references: Sequence[ReferenceLine] = ()
    x_name: str = "epoch"


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
    """

    title: str
    x_name: str
    description: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Line]
    references: Sequence[tuple[float, str, str]]
    stripes: Sequence[Stripe]


def draw(plot: Plot, *, num_epochs: int, bands: Sequence[Band] = ()) -> Chart | None:
    """Lay out a plot over the epochs 0 to `num_epochs`.

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
    last = max(num_epochs, 1)
    heights = _y_values(plot, shown)
    epochs = [epoch for epoch in tick_values(0, last, max_steps=MAX_X_STEPS, whole=True) if epoch <= last]

    def x(epoch: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * epoch / last, 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - heights[0]) / (heights[-1] - heights[0]), 1)

    positions = [[(x(epoch), y(value)) for epoch, value in series.finite] for series in shown]
    return Chart(
        plot.title,
        plot.x_name,
        alt_text(plot.title, shown, plot.decimals, x_name=plot.x_name),
        [Tick(x(epoch), label) for epoch, label in zip(epochs, tick_labels(epochs), strict=True)],
        [Tick(y(value), label) for value, label in zip(heights, tick_labels(heights), strict=True)],
        [
            _line(series, points, MARKERS[i % len(MARKERS)])
            for i, (series, points) in enumerate(zip(shown, positions, strict=True))
        ],
        [(y(line.value), line.name, line.tone) for line in plot.references],
        [_stripe(band, x(band.begin), x(band.end)) for band in bands],
    )


def alt_text(title: str, series: Sequence[Series], decimals: int, *, x_name: str = "epoch") -> str:
    """What the lines of a chart do, in one sentence.

    >>> alt_text("Clusters", [Series("visible", [(1, 4), (9, 12)], "visible")], 0)
    'Clusters: visible from 4 at epoch 1 to 12 at epoch 9.'
    """
    parts = []
    for one in series:
        (begin, first), (end, last) = one.finite[0], one.finite[-1]
        start = f"from {first:.{decimals}f} at {x_name} {begin} to " if end > begin else ""
        parts.append(f"{one.name} {start}{last:.{decimals}f} at {x_name} {end}")
    return f"{title}: {'; '.join(parts)}."


def _y_values(plot: Plot, shown: Sequence[Series]) -> list[float]:
    """The ticks of the vertical axis, which enclose all that is drawn."""
    values = [value for series in shown for _, value in series.finite]
    values += [line.value for line in plot.references]
    lowest = min(*values, 0.0) if plot.from_zero else min(values)
    return tick_values(lowest, max(values), whole=plot.decimals == 0)


def _line(series: Series, positions: Sequence[tuple[float, float]], marker: str) -> Line:
    path = "M" + "L".join(f"{x} {y}" for x, y in positions) if series.joined else ""
    marked = positions if len(positions) <= MAX_MARKED_POINTS or not series.joined else []
    markers = "".join(f"M{x} {y}{marker}" for x, y in marked)
    return Line(series.name, series.tone, path, markers, f"M0 0{marker}")


def _stripe(band: Band, left: float, right: float) -> Stripe:
    width = round(right - left, 1)
    return Stripe(left, width, band.name if len(band.name) * LETTER_WIDTH < width else "")
