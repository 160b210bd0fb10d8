"""`raydist train`: train an encoder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import (
    MEASURES,
    Json,
    Words,
    guarded,
    load,
    note,
    say_json,
    say_table,
    scores_rows,
    split_words,
)
from raydist.engine.events import CellStarted, EpochDone, Event, ReportWritten, Started, StepDone

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from raydist.engine.schema import Config
    from raydist.engine.summary import RunSummary

Resume = Annotated[Path | None, typer.Option(help="Go on with the run in this folder.", show_default=False)]


@guarded
def train(words: Words = None, resume: Resume = None, json: Json = False) -> None:
    """Train an encoder from unlabelled tracklets; with nothing after it, the demo."""
    config = _resumed(resume, words) if resume else load(words)
    from raydist.distributed.driver.training import train as run

    with Display() as display:
        folder, summary = run(config, resume=resume, on_event=display.show)
    show_summary(summary, stderr=json)
    note(f"run folder: {folder.path}")
    if json:
        say_json(summary.as_dict() | {"folder": str(folder.path)})


def _resumed(folder: Path, words: list[str] | None) -> Config:
    from raydist.config import overrides
    from raydist.engine.run_folder import RunFolder
    from raydist.engine.schema import with_values

    return with_values(RunFolder.open(folder).config(), overrides(split_words(words)[1]))


def show_summary(summary: RunSummary, *, stderr: bool = False) -> None:
    """The table *untrained / last / best*, both ways, with the chance level."""
    best = summary.best
    rows = scores_rows("untrained", summary.untrained)
    rows += scores_rows(f"last (epoch {summary.epochs})", summary.last)
    rows += scores_rows(f"best (epoch {best.epoch}) *", best.scores)
    marked = " SUPERVISED" if summary.supervised else ""
    title = f"{summary.method}{marked} on {summary.data}, protocol {summary.protocol}, percent"
    say_table(["encoder", "direction", *MEASURES], rows, title=title, stderr=stderr)
    chance = ", ".join(
        f"{direction.replace('_', ' ')} {values['chance_map']:.1f}"
        for direction, values in summary.last.items()
    )
    note(f"a random order has mAP: {chance}")
    papers = ", as papers do" if summary.split == "test" else ""
    note(f"* best is picked on the {best.picked_on}{papers}; last is the number to trust")
    if summary.supervised:
        note("this method was given the identities: it is a ruler for the others, not an unsupervised result")


class Display:
    """The progress of a run: a bar an epoch on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Display:
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
        """Show one event of the run."""
        if isinstance(event, StepDone):
            self._advance(event)
        elif isinstance(event, Started):
            self._say(start_line(event))
        elif isinstance(event, ReportWritten):
            self._say(f"report: {event.path}")
        elif isinstance(event, CellStarted):
            done = ": done before" if event.done else ""
            self._say(f"[{event.number}/{event.num_cells}] {event.name}{done}")
        else:
            self._say(epoch_line(event))

    def _advance(self, event: StepDone) -> None:
        if not self._bar:
            return
        label = f"epoch {event.epoch}"
        if self._task is None:
            self._task = self._bar.add_task(label)
        self._bar.update(self._task, description=label, completed=event.step, total=event.num_steps)

    def _say(self, line: str) -> None:
        if self._bar:
            self._bar.console.print(line, highlight=False)
        else:
            note(line)


def start_line(event: Started) -> str:
    """What is trained on, and where the run is kept."""
    sets = ", ".join(
        f"{number:,} {m} tracklets ({event.frames[m]:,} frames)" for m, number in event.tracklets.items()
    )
    notes = "".join(f"; {name} {value}" for name, value in event.notes.items() if value)
    mlflow = f"\nMLflow: {event.mlflow_uri}" if event.mlflow_uri else ""
    return (
        f"run folder: {event.folder}{mlflow}\n"
        f"training on {sets}; ranking {event.ranked:,}{notes}\n"
        f"memories: a copy on every worker, {event.memory_mb:.1f} MB; "
        f"feature shards: {event.num_shards}, each up to {event.shard_mb:,.0f} MB"
    )


def epoch_line(event: EpochDone) -> str:
    """One line for an epoch."""
    report = event.report
    parts = [f"epoch {report.epoch}/{event.num_epochs} {report.stage}"]
    parts += [f"{name} {value:.3f}" for name, value in report.losses.items()]
    for modality, clusters in report.clusters.items():
        agreement = f", ARI {clusters['ari']:.2f}" if "ari" in clusters else ""
        parts.append(f"{modality} {clusters['count']} clusters, noise {clusters['noise']:.0%}{agreement}")
    parts += [f"{name.replace('_', ' ')} {value:.2f}" for name, value in report.association.items()]
    for direction, scores in (report.retrieval or {}).items():
        parts.append(f"{direction.replace('_to_', '->')} R1 {scores['rank1']:.1f} mAP {scores['map']:.1f}")
    return " | ".join(parts) + f" | {sum(report.seconds.values()):.1f} s"


def main() -> None:
    """The entry of `python -m raydist.train`."""
    typer.run(train)
