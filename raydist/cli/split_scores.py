"""The table of the runs on all splits of a data set: mean and spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raydist.cli.common import print_line, print_table
from raydist.cli.scores import SUPERVISED, print_chance, title_of
from raydist.evaluation.headings import METRICS

if TYPE_CHECKING:
    from raydist.engine.splits import SplitsSummary

CRITERIA = "criteria/last/"

DIRECTIONS = {"infrared_to_visible": "i->v", "visible_to_infrared": "v->i"}
"""Direction -> its name in a row, short since every cell has two numbers."""


def print_splits(summary: SplitsSummary, *, stderr: bool = False) -> None:
    """What the splits came to: a table for each search, or the criteria where they could not be scored.

    Args:
        summary: of the splits that are finished.
        stderr: whether the tables go to stderr, because stdout is for JSON.
    """
    splits = f"mean ± spread over {len(summary.trials)} of {summary.num_trials} splits"
    title, first = title_of(summary.first), summary.first
    searches = {first.protocol: ""} | {name: f"searches/{name}/" for name in first.searches}
    scored = {name: prefix for name, prefix in searches.items() if _level(prefix) in summary.metrics}
    for protocol, prefix in scored.items():
        of_search = f"{title}, protocol {protocol}, percent, {splits}"
        columns = ["encoder", "direction", *METRICS.values()]
        print_table(columns, _rows(summary, prefix), title=of_search, stderr=stderr, keys=2)
        print_chance({d: summary.metrics[_level(prefix, d)].mean for d in DIRECTIONS})
    if scored:
        print_line(f"* best is picked in each split, on its {first.split} split; last is the number to trust")
    else:
        _print_criteria(summary, title=f"{title}, {splits}", stderr=stderr)
    if first.supervised:
        print_line(SUPERVISED)


def _level(prefix: str, direction: str = "infrared_to_visible") -> str:
    """The metric of a search that says what a random order has."""
    return f"{prefix}last/{direction}/chance_map"


def _rows(summary: SplitsSummary, prefix: str) -> list[list[str]]:
    """A row for each encoder and direction of a search."""
    labels = {"untrained": "untrained", "last": f"last (epoch {summary.first.epochs})", "best": "best *"}
    return [
        [
            label,
            direction_label,
            *(summary.metrics[f"{prefix}{encoder}/{direction}/{metric}"].text(1) for metric in METRICS),
        ]
        for encoder, label in labels.items()
        for direction, direction_label in DIRECTIONS.items()
        if f"{prefix}{encoder}/{direction}/map" in summary.metrics
    ]


def _print_criteria(summary: SplitsSummary, *, title: str, stderr: bool) -> None:
    """The criteria of the last epoch that has any."""
    rows = [
        [path.removeprefix(CRITERIA), value.text(3)]
        for path, value in summary.metrics.items()
        if path.startswith(CRITERIA)
    ]
    title = f"{title}: criteria without identities, larger is better"
    print_table(["criterion", "last"], rows, title=title, stderr=stderr)
    splits = ", ".join(map(str, summary.trials))
    print_line(f"no scores: not all of the splits {splits} could be scored")
