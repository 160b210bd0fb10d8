"""Tables of retrieval scores, which several commands print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from raydist.cli.common import print_line, print_table
from raydist.engine.criteria_names import MISSING, missing_reasons, with_missing
from raydist.evaluation.headings import METRICS
from raydist.plurals import counted

if TYPE_CHECKING:
    from raydist.engine.events import Scores
    from raydist.engine.summary import RunSummary
    from raydist.evaluation.retrieval import SearchScores

SUPERVISED = "this method was given the identities: it is a ruler for the others, not an unsupervised result"

DIRECTION_LABELS = {
    "infrared_to_visible": "infrared -> visible",
    "visible_to_infrared": "visible -> infrared",
}


def print_search_scores(label: str, scores: SearchScores, *, title: str, protocol: str, stderr: bool) -> None:
    """A table for each search of a data set, see `print_scores`.

    Args:
        label: of the features.
        scores: of the protocol, and of the other searches beside it.
        title: of the tables, before the name of a protocol.
        protocol: that of the first table.
        stderr: see `print_scores`.
    """
    for name, of_search in {protocol: scores.retrieval, **scores.searches}.items():
        print_scores(label, of_search, title=f"{title}, protocol {name}, percent", stderr=stderr)


def print_scores(label: str, scores: Scores, *, title: str, stderr: bool) -> None:
    """The table of both directions, with the chance level and the queries that could not be scored.

    Args:
        label: of the features.
        scores: direction -> metric -> percent.
        title: of the table.
        stderr: whether the table goes to stderr, because stdout is for JSON.
    """
    print_table(
        ["features", "direction", *METRICS.values()], _rows(label, scores), title=title, stderr=stderr, keys=2
    )
    print_chance(_chance(scores))
    for direction, values in scores.items():
        if values["skipped_queries"]:
            skipped = int(values["skipped_queries"])
            verbs = "has no match and is" if skipped == 1 else "have no match and are"
            queries = f"{counted(skipped, 'query')} {verbs} in no mean"
            print_line(f"{direction.replace('_', ' ')}: {queries}")


def print_summary(summary: RunSummary, *, stderr: bool = False) -> None:
    """What a run came to: its scores, and the criteria where they were measured."""
    if summary.last is None:
        _print_criteria(summary, stderr=stderr)
    else:
        _print_run_scores(summary, stderr=stderr)
        if any(summary.criteria.values()):  # they were asked for, evaluation.criteria=true
            _print_criteria_table(summary, stderr=stderr)
    if summary.supervised:
        print_line(SUPERVISED)


def _print_run_scores(summary: RunSummary, *, stderr: bool) -> None:
    """The table *untrained / last / best* of each search, both directions, with the chance level."""
    best = summary.best
    labels = {"untrained": "untrained", "last": f"last (epoch {summary.epochs})"}
    if best:
        labels["best"] = f"best (epoch {best.epoch}) *"
    for protocol, encoders in summary.of_searches.items():
        rows = [row for key, label in labels.items() for row in _rows(label, encoders.get(key, {}))]
        title = f"{title_of(summary)}, protocol {protocol}, percent"
        print_table(["encoder", "direction", *METRICS.values()], rows, title=title, stderr=stderr, keys=2)
        print_chance(_chance(encoders["last"]))
    if best:
        papers = ", as papers do" if summary.split == "test" else ""
        by = f"{best.picked_on} by the mean mAP of both directions{papers}"
        print_line(f"* best is picked on the {by}; last is the number to trust")


def _print_criteria(summary: RunSummary, *, stderr: bool) -> None:
    """The criteria in the place of scores, and the epoch that is best by them."""
    if not any(summary.criteria.values()):
        print_line("no criterion was measured: this method computes no features of the training tracklets")
        return
    _print_criteria_table(summary, stderr=stderr)
    if best := summary.best:
        print_line(f"best is epoch {best.epoch}, by the {best.picked_on}; last is the number to trust")


def _print_criteria_table(summary: RunSummary, *, stderr: bool) -> None:
    """The criteria of the first and of the last epoch that has any, and why one of them is missing."""
    measured = [summary.criteria.get(which, {}) for which in ("first", "last")]
    first, last = (with_missing(values) for values in measured)
    rows = [[name, _value(first.get(name)), _value(last.get(name))] for name in {**first, **last}]
    title = f"{title_of(summary)}: criteria without identities, larger is better"
    print_table(["criterion", "first", "last"], rows, title=title, stderr=stderr)
    for reason in missing_reasons(measured):
        print_line(reason)


def _value(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3f}"


def title_of(summary: RunSummary) -> str:
    """The method, and the data set that it was trained on."""
    return f"{summary.method}{' SUPERVISED' if summary.supervised else ''} on {summary.data}"


def _rows(label: str, scores: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    return [
        [label, DIRECTION_LABELS[direction], *(f"{values[metric]:.1f}" for metric in METRICS)]
        for direction, values in scores.items()
    ]


def _chance(scores: Scores) -> dict[str, float]:
    return {direction: values["chance_map"] for direction, values in scores.items()}


def print_chance(levels: Mapping[str, float]) -> None:
    """A line with the mAP of a random order in each direction."""
    words = (f"{direction.replace('_', ' ')} {level:.1f}" for direction, level in levels.items())
    print_line(f"a random order has mAP: {', '.join(words)}")
