"""The page of a run: scores, curves, and ranked lists or clusters, as one static HTML file.

Style, script and pictures are inside the file. It loads nothing from the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from raydist.engine.criteria_names import MISSING, missing_reasons
from raydist.engine.events import EpochReport, Scores
from raydist.engine.run_folder import RunFolder
from raydist.engine.summary import RunSummary
from raydist.engine.trained import Trained
from raydist.errors import ConfigError
from raydist.evaluation.directions import DIRECTIONS
from raydist.evaluation.headings import METRICS
from raydist.evaluation.protocols import find_protocol
from raydist.reports.chart import Plot, draw
from raydist.reports.curves import direction_label, plots, seconds_plot, stage_bands
from raydist.reports.header import RunHeader, run_header
from raydist.reports.rankings import NUM_RANKS
from raydist.reports.run_views import run_views
from raydist.reports.templates import render, write_html
from raydist.reports.views import Views


def write_run_page(folder: RunFolder, trained: Trained | None = None) -> Path:
    """Rank with an encoder of the run, in this process, and write the page of the run.

    Args:
        folder: a finished run, whose data set is still where it was.
        trained: its encoder; None takes that of the newest whole checkpoint.

    Returns:
        The path of the page, ``report/index.html`` in the folder.

    Raises:
        ConfigError: the run is not finished.
        CheckpointError: no whole checkpoint is left.
        DataError: the data set is not as it should be.
    """
    return write_page(folder, trained).path


class WrittenPage(NamedTuple):
    """The page of a run.

    Attributes:
        path: ``report/index.html`` in its folder.
        shows: what it shows below the curves, in words.
    """

    path: Path
    shows: str


def write_page(folder: RunFolder, trained: Trained | None = None) -> WrittenPage:
    """The same as `write_run_page`, with what the page shows."""
    summary = finished_summary(folder)
    trained = trained or Trained.load(folder.path, None, sections=())
    table = trained.tracklets()
    views = run_views(folder, summary, trained, table)
    header = run_header(folder, trained.config, table)
    text = run_page(summary, folder.reports(), views, epoch=trained.epoch, header=header)
    path = write_html(folder.path / "report" / "index.html", text)
    shows = "ranked lists" if views.lists else "clusters" if views.clusters else "curves alone"
    return WrittenPage(path, shows)


def finished_summary(folder: RunFolder) -> RunSummary:
    """The summary of a run that has ended.

    Raises:
        ConfigError: it has not; the message says what can be done with it.
    """
    summary = folder.summary()
    if summary is None:
        raise ConfigError(
            f"{folder.path} has no summary.json, its run is not finished: a report is written at its end; "
            f"go on with --resume {folder.path}, or use its newest checkpoint as it is: "
            f"raydist evaluate or embed {folder.path}"
        )
    return summary


def run_page(
    summary: RunSummary,
    reports: Sequence[EpochReport],
    views: Views,
    *,
    epoch: int,
    header: RunHeader | None = None,
) -> str:
    """The page as text; the same values give the same text.

    Args:
        summary: the result of the run.
        reports: of its epochs, in order.
        views: what is shown of its features and labels.
        epoch: the epoch of the encoder that computed the features.
        header: what the run was; None leaves it out.
    """
    drawn, bands = plots(reports), stage_bands(reports)
    num_epochs = max((report.epoch for report in reports), default=0)
    charts = [draw(plot, num_epochs=num_epochs, bands=bands) for plot in drawn]
    return render(
        "run_page.html",
        summary=summary,
        header=header,
        metrics=METRICS,
        tables=score_tables(summary),
        charts=[chart for chart in charts if chart],
        missing=missing_reasons(report.criteria for report in reports),
        history=history(reports, [plot for plot, chart in zip(drawn, charts, strict=True) if chart]),
        seconds=shares(summary.seconds),
        seconds_chart=draw(seconds_plot(reports), num_epochs=num_epochs, bands=bands),
        epoch=epoch,
        num_ranks=NUM_RANKS,
        views=views,
        direction_label=direction_label,
    )


ScoreRow = tuple[str, str, list[tuple[str, Mapping[str, float]]]]
"""The key of an encoder, its name, and its scores in both directions."""


def score_tables(summary: RunSummary) -> list[tuple[str, str, list[ScoreRow]]]:
    """For each search of the data set the name of its protocol, its rule and its rows; the run's own
    first."""
    best = summary.best
    names = {"untrained": "untrained", "last": f"last, epoch {summary.epochs}"}
    if best:
        names["best"] = f"best, epoch {best.epoch}"
    return [
        (protocol, find_protocol(protocol).rule, _score_rows(names, encoders))
        for protocol, encoders in summary.of_searches.items()
    ]


def _score_rows(names: Mapping[str, str], encoders: Mapping[str, Scores]) -> list[ScoreRow]:
    scored = [(key, name, scores) for key, name in names.items() if (scores := encoders.get(key))]
    return [
        (key, name, [(direction_label(d), scores[d]) for d in DIRECTIONS]) for key, name, scores in scored
    ]


def shares(seconds: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Parts of a run, the longest first: name, seconds, percent of the whole.

    >>> shares({"train": 3.0, "refresh": 9.0})
    [('refresh', 9.0, 75.0), ('train', 3.0, 25.0)]
    """
    total = sum(seconds.values()) or 1.0
    return [
        (part, value, 100 * value / total)
        for part, value in sorted(seconds.items(), key=lambda item: (-item[1], item[0]))
    ]


def history(reports: Sequence[EpochReport], shown: Sequence[Plot]) -> list[tuple[int, str, list[str]]]:
    """Every epoch, its stage, and the values of all series that are drawn, ``-`` for one that is missing.

    The untrained encoder, epoch 0, has a row only where it has a value.
    """
    columns = [
        (plot.decimals, dict(series.finite)) for plot in shown for series in plot.series if series.finite
    ]
    return [
        (
            report.epoch,
            report.stage,
            [
                f"{values[report.epoch]:,.{decimals}f}" if report.epoch in values else MISSING
                for decimals, values in columns
            ],
        )
        for report in reports
        if report.epoch > 0 or any(0 in values for _, values in columns)
    ]
