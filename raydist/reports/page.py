"""The page of a run: one HTML file with its style and pictures inside, that asks nothing of the network and runs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raydist.evaluation.protocols import DIRECTIONS, find_protocol
from raydist.reports.chart import Plot, draw
from raydist.reports.curves import Rows, direction_words, plots, stages
from raydist.reports.pictures import FrameReader
from raydist.reports.rankings import NUM_RANKS, rankings
from raydist.reports.templates import render
from raydist.types import FeatureTable

MEASURES = {
    "rank1": "Rank-1",
    "rank5": "Rank-5",
    "rank10": "Rank-10",
    "rank20": "Rank-20",
    "map": "mAP",
    "minp": "mINP",
}


def write_page(
    path: Path,
    *,
    summary: Mapping[str, Any],
    rows: Rows,
    table: FeatureTable,
    frames: FrameReader,
    epoch: int,
) -> Path:
    """Write the page of a run; the same values give the same bytes.

    Args:
        path: the HTML file; its folder is made.
        summary: what the run came to, as in `summary.json`.
        rows: its metrics, as in `metrics.jsonl`.
        table: features of queries and gallery, with identities and splits.
        frames: the frames of the same rows.
        epoch: the epoch of the encoder that gave the features.

    Returns:
        `path`.

    Raises:
        DataError: identities or splits are missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        page(summary=summary, rows=rows, table=table, frames=frames, epoch=epoch),
        encoding="utf-8",
        newline="\n",
    )
    return path


def page(
    *, summary: Mapping[str, Any], rows: Rows, table: FeatureTable, frames: FrameReader, epoch: int
) -> str:
    """The page as text, see `write_page`."""
    protocol, drawn, bands = summary["protocol"], plots(rows), stages(rows)
    num_epochs = max((int(row["epoch"]) for row in rows), default=0)
    charts = [draw(plot, num_epochs=num_epochs, bands=bands) for plot in drawn]
    return render(
        "page.html",
        summary=summary,
        rule=find_protocol(protocol).rule,
        measures=MEASURES,
        scores=scores(summary),
        charts=[chart for chart in charts if chart],
        history=history(rows, [plot for plot, chart in zip(drawn, charts, strict=True) if chart]),
        seconds=shares(summary["seconds"]),
        epoch=epoch,
        num_ranks=NUM_RANKS,
        directions={
            d: (direction_words(d), rankings(table, frames, protocol=protocol, direction=d))
            for d in DIRECTIONS
        },
    )


def scores(summary: Mapping[str, Any]) -> list[tuple[str, str, list[tuple[str, Mapping[str, float]]]]]:
    """The rows of the table of scores: the key of an encoder, what it is called, and its scores each way."""
    names = {
        "untrained": "untrained",
        "last": f"last, epoch {summary['epochs']}",
        "best": f"best, epoch {summary['best']['epoch']}",
    }
    return [
        (key, name, [(direction_words(d), summary[key][d]) for d in DIRECTIONS])
        for key, name in names.items()
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


def history(rows: Rows, shown: Sequence[Plot]) -> list[tuple[int, str, list[str]]]:
    """Every epoch, its stage, and the values of all series that are drawn; empty where there is none."""
    columns = [
        (plot.decimals, dict(series.finite)) for plot in shown for series in plot.series if series.finite
    ]
    return [
        (
            int(row["epoch"]),
            str(row["stage"]),
            [f"{c[row['epoch']]:,.{n}f}" if row["epoch"] in c else "" for n, c in columns],
        )
        for row in rows
    ]
