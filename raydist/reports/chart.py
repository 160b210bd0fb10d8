"""The geometry of a line chart: values become positions in pixels, which `chart.html` writes as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 548, 26, 262
NUM_X_TICKS, NUM_Y_TICKS = 8, 5
"""About how many steps an axis is divided into, at most."""

MARKED = 40
"""A line of more points than this is drawn without markers."""

LETTER = 6.5
"""Pixels a letter of a stage's name takes, for the decision whether it fits."""

MARKERS = (
    "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "m-3-3h6v6h-6z",
    "m0-4l4 4-4 4-4-4z",
    "m0-4l4 7h-8z",
)
"""Circle, square, diamond, triangle as SVG path steps from their centre, so that lines differ in more than colour."""


@dataclass(frozen=True)
class Series:
    """One measure over the epochs, or over the trials of a study.

    Attributes:
        name: what the legend says.
        points: (epoch, value); values that are not finite are not drawn.
        tone: the name of its colour in `page.css`.
        joined: whether a line goes from point to point.
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
class Level:
    """A horizontal line to compare with."""

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
    """What is to be drawn in one pair of axes.

    Attributes:
        title: the measure, with its unit.
        series: the lines.
        decimals: of a value in words and tables; 0 also keeps the ticks whole.
        from_zero: whether the axis must show zero.
        levels: lines to compare with.
        along: what the horizontal axis counts.
    """

    title: str
    series: Sequence[Series]
    decimals: int
    from_zero: bool = False
    levels: Sequence[Level] = ()
    along: str = "epoch"


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis, in pixels."""

    at: float
    label: str


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
        title, along: of the plot.
        words: what the lines do, for those who do not see them.
        x_ticks, y_ticks: ticks of both axes.
        lines: the series that have points.
        levels: (height in pixels, name, tone).
        stripes: the stages.
    """

    title: str
    along: str
    words: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Line]
    levels: Sequence[tuple[float, str, str]]
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
    values = [value for series in shown for _, value in series.finite] + [
        level.value for level in plot.levels
    ]
    heights = ticks(min(values + [0.0] * plot.from_zero), max(values), whole=plot.decimals == 0)
    epochs = [
        epoch
        for epoch in ticks(0, max(num_epochs, 1), steps=NUM_X_TICKS, whole=True)
        if epoch <= max(num_epochs, 1)
    ]

    def x(epoch: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * epoch / max(num_epochs, 1), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - heights[0]) / (heights[-1] - heights[0]), 1)

    return Chart(
        plot.title,
        plot.along,
        in_words(plot.title, shown, plot.decimals, along=plot.along),
        [Tick(x(epoch), label) for epoch, label in zip(epochs, labels(epochs), strict=True)],
        [Tick(y(value), label) for value, label in zip(heights, labels(heights), strict=True)],
        [
            _line(series, [(x(e), y(v)) for e, v in series.finite], MARKERS[i % len(MARKERS)])
            for i, series in enumerate(shown)
        ],
        [(y(level.value), level.name, level.tone) for level in plot.levels],
        [_stripe(band, x(band.begin), x(band.end)) for band in bands],
    )


def ticks(low: float, high: float, *, steps: int = NUM_Y_TICKS, whole: bool = False) -> list[float]:
    """Round values, a 1-2-5 step apart, that enclose a range; always two or more.

    Args:
        low: the least value to be enclosed.
        high: the largest.
        steps: the range is cut into no more than these; its ends are then rounded outwards.
        whole: whether the step must be a whole number.

    >>> ticks(0.0, 43.7)
    [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    >>> ticks(2.0, 2.0)
    [1.8, 1.9, 2.0, 2.1, 2.2]
    >>> ticks(0, 3, whole=True)
    [0, 1, 2, 3]
    """
    if high - low < 1e-9 * max(abs(low), abs(high), 1.0):
        margin = 0.1 * (abs(low) or 1.0)
        low, high = low - margin, high + margin
    least = (high - low) / steps
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))
    if whole:
        step = max(1, math.ceil(step))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step if whole else round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def labels(values: Sequence[float]) -> list[str]:
    """Ticks as text, all with the decimals that their step needs.

    >>> labels([0.0, 0.25, 0.5]), labels([0, 5000, 10000])
    (['0.00', '0.25', '0.50'], ['0', '5,000', '10,000'])
    """
    decimals = next((n for n in range(9) if all(abs(round(v, n) - v) < 1e-9 for v in values)), 9)
    return [f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}") for value in values]


def in_words(title: str, series: Sequence[Series], decimals: int, *, along: str = "epoch") -> str:
    """What the lines of a chart do, in one sentence.

    >>> in_words("Clusters", [Series("visible", [(1, 4), (9, 12)], "visible")], 0)
    'Clusters: visible from 4 at epoch 1 to 12 at epoch 9.'
    """
    parts = []
    for one in series:
        (begin, first), (end, last) = one.finite[0], one.finite[-1]
        start = f"from {first:.{decimals}f} at {along} {begin} to " if end > begin else ""
        parts.append(f"{one.name} {start}{last:.{decimals}f} at {along} {end}")
    return f"{title}: {'; '.join(parts)}."


def _line(series: Series, places: Sequence[tuple[float, float]], marker: str) -> Line:
    path = "M" + "L".join(f"{x} {y}" for x, y in places) if series.joined else ""
    marked = places if len(places) <= MARKED or not series.joined else []
    return Line(
        series.name, series.tone, path, "".join(f"M{x} {y}{marker}" for x, y in marked), f"M0 0{marker}"
    )


def _stripe(band: Band, left: float, right: float) -> Stripe:
    width = round(right - left, 1)
    return Stripe(left, width, band.name if len(band.name) * LETTER < width else "")
