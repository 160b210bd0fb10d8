"""The progress of a training or a comparison on the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from raydist.cli.common import print_line
from raydist.engine.criteria_names import MISSING, missing_reasons, with_missing
from raydist.engine.events import (
    AlreadyFinished,
    CellStarted,
    EpochDone,
    Event,
    Preparing,
    ReportWritten,
    Scores,
    Started,
    StepDone,
)
from raydist.plurals import counted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ProgressDisplay:
    """A bar for each epoch on a terminal, plain lines elsewhere; use it in a `with` block.

    Args:
        folder: of the run that goes on.

    Attributes:
        folder: what is gone on with, that of the run that was started last; None before the first.
    """

    def __init__(self, folder: str | None = None) -> None:
        self.folder = folder
        self._is_whole = False  # whether the folder is that of the runs on all splits
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._explained: set[str] = set()

    def __enter__(self) -> ProgressDisplay:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed}/{task.total}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, event: Event) -> None:
        """Show one event: a step moves the bar, all others are lines.

        Why a criterion is missing is said after the first epoch that lacks it.
        """
        if isinstance(event, CellStarted) and event.folder:
            self.folder, self._is_whole = event.folder, True
        if isinstance(event, Started) and not self._is_whole:
            self.folder = event.folder
        if isinstance(event, StepDone):
            self._advance(event)
            return
        self._print(describe_event(event))
        if isinstance(event, EpochDone) and event.report.retrieval is None:
            for reason in missing_reasons([event.report.criteria]):
                if reason not in self._explained:
                    self._explained.add(reason)
                    self._print(reason)

    def _print(self, text: str) -> None:
        if self._bar:
            self._bar.console.print(text, highlight=False)
        else:
            print_line(text)

    def _advance(self, event: StepDone) -> None:
        if not self._bar:
            return
        label = f"epoch {event.epoch}"
        if self._task is None:
            self._task = self._bar.add_task(label)
        self._bar.update(self._task, description=label, completed=event.step, total=event.num_steps)


def describe_event(
    event: Preparing | AlreadyFinished | Started | EpochDone | ReportWritten | CellStarted,
) -> str:
    """An event as text for people.

    >>> describe_event(CellStarted(2, 6, "pgm-seed1-0123abcd", done=True))
    '[2/6] pgm-seed1-0123abcd: done before'
    """
    if isinstance(event, Started):
        return _start_lines(event)
    if isinstance(event, EpochDone):
        return _epoch_line(event)
    if isinstance(event, Preparing):
        return event.what
    if isinstance(event, AlreadyFinished):
        epochs = counted(event.num_epochs, "epoch")
        return f"{event.folder} is finished after {epochs}: nothing is left to train"
    if isinstance(event, ReportWritten):
        return f"report: {event.path}"
    return f"[{event.number}/{event.num_cells}] {event.name}{': done before' if event.done else ''}"


def _start_lines(event: Started) -> str:
    """What is trained on, and where the run is kept."""
    sets = ", ".join(
        f"{counted(number, f'{modality} tracklet')} ({counted(event.frames[modality], 'frame')})"
        for modality, number in event.tracklets.items()
    )
    notes = "".join(f"; {name} {value}" for name, value in event.notes.items() if value)
    mlflow = f"\nMLflow: {event.mlflow_uri}" if event.mlflow_uri else ""
    unscored = (
        f"\nnot scored: {event.not_scored}; the criteria that need no identities are measured instead"
        if event.not_scored
        else ""
    )
    start = f"\nencoder starts from {event.start}" if event.start else ""
    return (
        f"run folder: {event.folder}{mlflow}{start}\n"
        f"training on {sets}; {counted(event.ranked, 'tracklet')} to rank{notes}{unscored}\n"
        f"memory: every worker holds a copy of the prototypes, {_megabytes(event.memory_mb)}; "
        f"the features of all tracklets lie on {counted(event.num_shards, 'Ray actor')} (shards), "
        f"each of which needs up to {_megabytes(event.shard_mb)}"
    )


def _megabytes(size: float) -> str:
    """A size for people.

    >>> _megabytes(0.01), _megabytes(1.25), _megabytes(1536.4)
    ('less than 0.1 MB', '1.2 MB', '1,536 MB')
    """
    if size < 0.1:
        return "less than 0.1 MB"
    return f"{size:.1f} MB" if size < 100 else f"{size:,.0f} MB"


def _epoch_line(event: EpochDone) -> str:
    """Losses, clusters, association and scores of an epoch."""
    report = event.report
    parts = [f"epoch {report.epoch}/{event.num_epochs} {report.stage}"]
    parts += [f"{name} {value:.3f}" for name, value in report.losses.items()]
    if report.skipped_steps:
        parts.append(f"{report.skipped_steps} steps left out, gradients not finite")
    for modality, clusters in report.clusters.items():
        agreement = f", ARI {clusters['ari']:.2f}" if "ari" in clusters else ""
        number = counted(int(clusters["count"]), "cluster")
        parts.append(f"{modality} {number}, noise {clusters['noise']:.0%}{agreement}")
    parts += [f"{name.replace('_', ' ')} {value:.2f}" for name, value in report.association.items()]
    if report.retrieval is None:
        parts += [
            f"{name} {MISSING if value is None else f'{value:.2f}'}"
            for name, value in with_missing(report.criteria).items()
        ]
    parts += _directions(report.retrieval or {})
    for search, of_search in report.searches.items():
        parts += [f"{search} {one}" for one in _directions(of_search)]
    return " | ".join(parts) + f" | {sum(report.seconds.values()):.1f} s"


def _directions(scores: Scores) -> list[str]:
    """The first rank and mAP of each direction."""
    return [
        f"{direction.replace('_to_', '->')} R1 {values['rank1']:.1f} mAP {values['map']:.1f}"
        for direction, values in scores.items()
    ]
