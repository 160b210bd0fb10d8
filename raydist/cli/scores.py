"""Tables of retrieval scores, which several commands print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from raydist.cli.common import print_line, print_table
from raydist.evaluation.headings import METRICS

if TYPE_CHECKING:
    from raydist.engine.events import Scores
    from raydist.engine.summary import RunSummary

DIRECTION_LABELS = {
    "infrared_to_visible": "infrared -> visible",
    "visible_to_infrared": "visible -> infrared",
}


def print_scores(label: str, scores: Scores, *, title: str, stderr: bool) -> None:
    """The table of both directions, with the chance level and the queries that could not be scored.

    Args:
        label: of the features.
        scores: direction -> metric -> percent.
        title: of the table.
        stderr: whether the table goes to stderr, because stdout is for JSON.
    """
    print_table(
        ["features", "direction", *METRICS.values()], _rows(label, scores), title=title, stderr=stderr
    )
    _print_chance(scores)
    for direction, values in scores.items():
        if values["skipped_queries"]:
            queries = f"{values['skipped_queries']} queries have no match and are in no mean"
            print_line(f"{direction.replace('_', ' ')}: {queries}")


def print_summary(summary: RunSummary, *, stderr: bool = False) -> None:
    """The table *untrained / last / best* of a run, both directions, with the chance level."""
    best = summary.best
    rows = [
        *_rows("untrained", summary.untrained),
        *_rows(f"last (epoch {summary.epochs})", summary.last),
        *_rows(f"best (epoch {best.epoch}) *", best.scores),
    ]
    marked = " SUPERVISED" if summary.supervised else ""
    title = f"{summary.method}{marked} on {summary.data}, protocol {summary.protocol}, percent"
    print_table(["encoder", "direction", *METRICS.values()], rows, title=title, stderr=stderr)
    _print_chance(summary.last)
    papers = ", as papers do" if summary.split == "test" else ""
    by = f"{best.picked_on} by the mean mAP of both directions{papers}"
    print_line(f"* best is picked on the {by}; last is the number to trust")
    if summary.supervised:
        print_line(
            "this method was given the identities: it is a ruler for the others, not an unsupervised result"
        )


def _rows(label: str, scores: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    return [
        [label, DIRECTION_LABELS[direction], *(f"{values[metric]:.1f}" for metric in METRICS)]
        for direction, values in scores.items()
    ]


def _print_chance(scores: Scores) -> None:
    levels = (
        f"{direction.replace('_', ' ')} {values['chance_map']:.1f}" for direction, values in scores.items()
    )
    print_line(f"a random order has mAP: {', '.join(levels)}")
