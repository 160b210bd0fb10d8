"""The curves of a run: which metrics are drawn, in which colours, and the stages behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from raydist.engine.events import EpochReport
from raydist.evaluation.directions import DIRECTIONS
from raydist.reports.chart import Band, Plot, ReferenceLine, Series
from raydist.types import Modality

Reports = Sequence[EpochReport]
"""The reports of a run, one an epoch, in order."""

NUM_TONES = 6
"""Colours of `page.css` beside those of the modalities."""


def plots(reports: Reports) -> list[Plot]:
    """Loss, clusters, agreement and retrieval over the epochs.

    A metric that was never computed has an empty plot. The quality of the association and the criteria have a
    plot only where a report contains them.

    Args:
        reports: of all epochs.
    """
    always = [
        Plot("Loss", _losses(reports), decimals=3),
        *_retrieval_plots(reports),
        Plot("Clusters", _clusters(reports, "count"), decimals=0, from_zero=True),
        Plot("Agreement with the identities, ARI", _clusters(reports, "ari"), decimals=2, from_zero=True),
    ]
    optional = {
        "Association across modalities": {report.epoch: report.association for report in reports},
        "Criteria that need no identities": {report.epoch: report.criteria for report in reports},
    }
    drawn = [
        Plot(title, _all_metrics(by_epoch), decimals=2, from_zero=True)
        for title, by_epoch in optional.items()
    ]
    return always + [plot for plot in drawn if plot.series]


def seconds_plot(reports: Reports) -> Plot:
    """The seconds of each part of the epochs."""
    return Plot(
        "Seconds an epoch",
        _all_metrics({report.epoch: report.seconds for report in reports}),
        decimals=2,
        from_zero=True,
    )


def stage_bands(reports: Reports) -> list[Band]:
    """The stages of a run, each from the end of the epoch before it; the untrained encoder is not a stage."""
    bands: list[Band] = []
    for report in reports:
        if report.epoch == 0:
            continue
        if bands and bands[-1].name == report.stage:
            bands[-1] = Band(report.stage, bands[-1].begin, report.epoch)
        else:
            bands.append(Band(report.stage, report.epoch - 1, report.epoch))
    return bands


def direction_label(direction: str) -> str:
    """A direction of retrieval as it is shown.

    >>> direction_label("infrared_to_visible")
    'infrared → visible'
    """
    return direction.replace("_to_", " \N{RIGHTWARDS ARROW} ")


def _losses(reports: Reports) -> list[Series]:
    terms = list(dict.fromkeys(term for report in reports for term in report.losses))
    modalities = [modality.label for modality in Modality]
    others = [term for term in terms if term not in modalities]
    tones = {term: f"tone-{number % NUM_TONES}" for number, term in enumerate(others)}
    by_epoch = {report.epoch: report.losses for report in reports}
    return [Series(term, _points(by_epoch, term), tones.get(term, term)) for term in terms]


def _clusters(reports: Reports, metric: str) -> list[Series]:
    series = []
    for modality in Modality:
        label = modality.label
        by_epoch = {report.epoch: report.clusters.get(label, {}) for report in reports}
        series.append(Series(label, _points(by_epoch, metric), label))
    return series


def _all_metrics(by_epoch: Mapping[int, Mapping[str, float]]) -> list[Series]:
    """A series for every metric that any epoch has."""
    names = dict.fromkeys(name for values in by_epoch.values() for name in values)
    return [
        Series(name.replace("_", " "), _points(by_epoch, name), f"tone-{number % NUM_TONES}")
        for number, name in enumerate(names)
    ]


def _retrieval_plots(reports: Reports) -> list[Plot]:
    """The mAP by the protocol of the run, then by each other search of the data set."""
    names = dict.fromkeys(name for report in reports for name in report.searches)
    others = {
        f"mAP by {name}, percent": [replace(one, retrieval=one.searches.get(name)) for one in reports]
        for name in names
    }
    return [
        Plot(title, _retrieval(by_search), decimals=1, from_zero=True, references=_chance(by_search))
        for title, by_search in {"mAP, percent": reports, **others}.items()
    ]


def _retrieval(reports: Reports) -> list[Series]:
    return [
        Series(direction_label(direction), _points(_scores(reports, direction), "map"), query_modality.label)
        for direction, (query_modality, _) in DIRECTIONS.items()
    ]


def _chance(reports: Reports) -> list[ReferenceLine]:
    """The chance level of each direction, or one line for both when they agree to a tenth of a percent."""
    lines = []
    for direction, (query_modality, _) in DIRECTIONS.items():
        for _, value in _points(_scores(reports, direction), "chance_map")[:1]:
            name = f"chance, {direction_label(direction)} {value:.1f}"
            lines.append(ReferenceLine(name, value, query_modality.label))
    if len({round(line.value, 1) for line in lines}) == 1:
        return [ReferenceLine(f"chance {lines[0].value:.1f}", lines[0].value, "muted")]
    return lines


def _scores(reports: Reports, direction: str) -> dict[int, Mapping[str, float]]:
    """Epoch -> metric -> percent, for the epochs after which the encoder was evaluated."""
    return {report.epoch: report.retrieval[direction] for report in reports if report.retrieval}


def _points(by_epoch: Mapping[int, Mapping[str, float]], name: str) -> list[tuple[int, float]]:
    """(epoch, value) for the epochs that have a value of that name."""
    values = {epoch: values.get(name) for epoch, values in by_epoch.items()}
    return [(epoch, float(value)) for epoch, value in values.items() if value is not None]
