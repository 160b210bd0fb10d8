"""An epoch in one line: whole for ``log.txt``, and in 100 columns for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from raydist.engine.criteria_names import MISSING, with_missing
from raydist.engine.events import EpochDone, EpochReport, Scores
from raydist.plurals import counted

COLUMNS = 100
BETWEEN = " | "
WHAT_IS_SHORT = (
    "short lines: visible/infrared clusters, noise and ARI; infrared->visible/visible->infrared R1 and mAP; "
    "log.txt has all"
)
"""What a person is told once where a line was shortened."""


class Part(NamedTuple):
    """A part of the line.

    Attributes:
        rank: parts of a lower rank come in first where not all have room.
        text: as it is shown.
    """

    rank: int
    text: str


def whole_line(event: EpochDone) -> str:
    """Losses, clusters, association and scores of an epoch, all of them."""
    return BETWEEN.join(part.text for part in _parts(event))


def short_line(event: EpochDone) -> str:
    """The same where it fits; else without what a person misses least, and in shorter words."""
    whole = whole_line(event)
    if len(whole) <= COLUMNS:
        return whole
    parts, chosen = _short_parts(event), set[int]()
    room = COLUMNS + len(BETWEEN)
    for at in sorted(range(len(parts)), key=lambda at: (parts[at].rank, at)):
        needed = len(parts[at].text) + len(BETWEEN)
        if needed <= room:
            chosen.add(at)
            room -= needed
    return BETWEEN.join(parts[at].text for at in sorted(chosen))[:COLUMNS]


def _parts(event: EpochDone) -> list[Part]:
    report = event.report
    return [
        _head(event),
        *(Part(4, f"{name} {value:.3f}") for name, value in report.losses.items()),
        *_skipped(report),
        *_clusters(report),
        *_association(report),
        *_criteria(report),
        *(Part(1, text) for text in _directions(report.retrieval or {})),
        *_searches(report),
        _seconds(report),
    ]


def _short_parts(event: EpochDone) -> list[Part]:
    """The terms of the loss in their sum, and the scores of both directions in as few words as can be."""
    report = event.report
    total = sum(report.losses.values())
    scores = list((report.retrieval or {}).values())
    return [
        _head(event),
        *([Part(2, f"loss {total:.3f}")] if report.losses else []),
        *_skipped(report),
        *_short_clusters(report),
        *_association(report),
        *_criteria(report),
        *([Part(2, f"R1 {_joined(scores, 'rank1', '.1f')}")] if scores else []),
        *([Part(1, f"mAP {_joined(scores, 'map', '.1f')}")] if scores else []),
        *_searches(report),
        _seconds(report),
    ]


def _head(event: EpochDone) -> Part:
    return Part(0, f"epoch {event.report.epoch}/{event.num_epochs} {event.report.stage}")


def _seconds(report: EpochReport) -> Part:
    return Part(0, f"{sum(report.seconds.values()):.1f} s")


def _skipped(report: EpochReport) -> list[Part]:
    if not report.skipped_steps:
        return []
    return [Part(0, f"{report.skipped_steps} steps left out, gradients not finite")]


def _clusters(report: EpochReport) -> list[Part]:
    parts = []
    for modality, clusters in report.clusters.items():
        agreement = f", ARI {clusters['ari']:.2f}" if "ari" in clusters else ""
        number = counted(int(clusters["count"]), "cluster")
        parts.append(Part(3, f"{modality} {number}, noise {clusters['noise']:.0%}{agreement}"))
    return parts


def _short_clusters(report: EpochReport) -> list[Part]:
    """Numbers of the modalities in their order, in one part each for clusters, noise and ARI."""
    of_each = list(report.clusters.values())
    if not of_each:
        return []
    numbers, noise = _joined(of_each, "count", ",.0f"), _joined(of_each, "noise", ".0%")
    parts = [Part(2, f"clusters {numbers}, noise {noise}")]
    if any("ari" in one for one in of_each):
        parts.append(Part(3, f"ARI {_joined(of_each, 'ari', '.2f')}"))
    return parts


def _joined(of_each: Sequence[Mapping[str, float]], key: str, form: str) -> str:
    return "/".join(format(one[key], form) if key in one else MISSING for one in of_each)


def _association(report: EpochReport) -> list[Part]:
    return [Part(5, f"{name.replace('_', ' ')} {value:.2f}") for name, value in report.association.items()]


def _criteria(report: EpochReport) -> list[Part]:
    if report.retrieval is not None:
        return []
    values = with_missing(report.criteria).items()
    return [Part(4, f"{name} {MISSING if value is None else f'{value:.2f}'}") for name, value in values]


def _searches(report: EpochReport) -> list[Part]:
    of_each = ((search, _directions(scores)) for search, scores in report.searches.items())
    return [Part(6, f"{search} {one}") for search, directions in of_each for one in directions]


def _directions(scores: Scores) -> list[str]:
    """The first rank and mAP of each direction."""
    return [
        f"{direction.replace('_to_', '->')} R1 {values['rank1']:.1f} mAP {values['map']:.1f}"
        for direction, values in scores.items()
    ]
