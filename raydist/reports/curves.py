"""The curves of a run: which measures of the metrics are drawn, in which colours, and the stages behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from raydist.evaluation.protocols import DIRECTIONS
from raydist.reports.chart import Band, Level, Plot, Series
from raydist.types import Modality

Rows = Sequence[Mapping[str, Any]]
"""Metrics, one mapping an epoch, in order: ``{"epoch", "stage", "loss", "clusters", "retrieval", "seconds"}``."""

NUM_TONES = 6
"""Colours of `page.css` beside those of the modalities."""


def plots(rows: Rows) -> list[Plot]:
    """Loss, clusters, agreement and retrieval over the epochs; a measure that was never taken has an empty plot.

    How good the association is has a plot where a method associates, and criteria have one where they were asked for.

    Args:
        rows: the metrics of a run.
    """
    drawn = [
        Plot("Loss", _loss(rows), decimals=3),
        Plot("mAP, percent", _retrieval(rows), decimals=1, from_zero=True, levels=_chance(rows)),
        Plot("Clusters", _of_clusters(rows, "count"), decimals=0, from_zero=True),
        Plot("Agreement with the identities, ARI", _of_clusters(rows, "ari"), decimals=2, from_zero=True),
    ]
    asked = {"Association across modalities": "association", "Criteria that need no identities": "criteria"}
    more = [
        Plot(title, _every_measure(rows, part), decimals=2, from_zero=True) for title, part in asked.items()
    ]
    return drawn + [plot for plot in more if plot.series]


def stages(rows: Rows) -> list[Band]:
    """The stages of a run, each from the end of the epoch before it; the untrained encoder is none."""
    bands: list[Band] = []
    for row in rows:
        epoch, name = int(row["epoch"]), str(row["stage"])
        if epoch == 0:
            continue
        if bands and bands[-1].name == name:
            bands[-1] = Band(name, bands[-1].begin, epoch)
        else:
            bands.append(Band(name, epoch - 1, epoch))
    return bands


def direction_words(direction: str) -> str:
    """A direction of retrieval as it is shown.

    >>> direction_words("infrared_to_visible")
    'infrared → visible'
    """
    return direction.replace("_to_", " \N{RIGHTWARDS ARROW} ")


def _points(rows: Rows, *path: str) -> list[tuple[int, float]]:
    """The values at a path of keys, such as ``loss, visible``, of the epochs that have one."""
    found = [(int(row["epoch"]), _at(row, path)) for row in rows]
    return [(epoch, float(value)) for epoch, value in found if value is not None]


def _at(row: Any, path: Sequence[str]) -> Any:
    for key in path:
        if row is None:
            return None
        row = row.get(key)
    return row


def _loss(rows: Rows) -> list[Series]:
    terms = list(dict.fromkeys(term for row in rows for term in row.get("loss", {})))
    modalities = [modality.label for modality in Modality]
    others = [term for term in terms if term not in modalities]
    tones = {term: f"tone-{number % NUM_TONES}" for number, term in enumerate(others)}
    return [Series(term, _points(rows, "loss", term), tones.get(term, term)) for term in terms]


def _of_clusters(rows: Rows, measure: str) -> list[Series]:
    return [Series(m.label, _points(rows, "clusters", m.label, measure), m.label) for m in Modality]


def _every_measure(rows: Rows, part: str) -> list[Series]:
    measures = dict.fromkeys(name for row in rows for name in row.get(part, {}))
    return [
        Series(name.replace("_", " "), _points(rows, part, name), f"tone-{number % NUM_TONES}")
        for number, name in enumerate(measures)
    ]


def _retrieval(rows: Rows) -> list[Series]:
    return [
        Series(direction_words(d), _points(rows, "retrieval", d, "map"), asking.label)
        for d, (asking, _) in DIRECTIONS.items()
    ]


def _chance(rows: Rows) -> list[Level]:
    """The chance level of each direction, or one for both when they agree to a tenth of a percent."""
    levels = []
    for direction, (asking, _) in DIRECTIONS.items():
        for _, value in _points(rows, "retrieval", direction, "chance_map")[:1]:
            levels.append(Level(f"chance, {direction_words(direction)} {value:.1f}", value, asking.label))
    if len({round(level.value, 1) for level in levels}) == 1:
        return [Level(f"chance {levels[0].value:.1f}", levels[0].value, "muted")]
    return levels
