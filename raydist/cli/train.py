"""`raydist train`: train an encoder."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from raydist.engine.schema import Config

Resume = Annotated[Path | None, typer.Option(help="Go on with the run in this folder.", show_default=False)]


@guarded
def train(words: Words = None, resume: Resume = None, json: Json = False) -> None:
    """Train an encoder from unlabelled tracklets; with nothing after it, the demo."""
    config = _resumed(resume, words) if resume else load(words)
    from raydist.distributed.driver.training import train as run

    with Display() as display:
        folder, summary = run(config, resume=resume, say=display.show)
    show_summary(summary, stderr=json)
    note(f"run folder: {folder.path}")
    if json:
        say_json(summary | {"folder": str(folder.path)})


def _resumed(folder: Path, words: list[str] | None) -> Config:
    from raydist.config import overrides
    from raydist.engine.run_folder import RunFolder
    from raydist.engine.schema import with_values

    return with_values(RunFolder.open(folder).config(), overrides(split_words(words)[1]))


def show_summary(summary: Mapping[str, Any], *, stderr: bool = False) -> None:
    """The table *untrained / last / best*, both ways, with the chance level."""
    best = dict(summary["best"])
    epoch, picked = best.pop("epoch"), best.pop("picked_on")
    rows = scores_rows("untrained", summary["untrained"]) + scores_rows(
        f"last (epoch {summary['epochs']})", summary["last"]
    )
    rows += scores_rows(f"best (epoch {epoch}) *", best)
    marked = " SUPERVISED" if summary["supervised"] else ""
    title = f"{summary['method']}{marked} on {summary['data']}, protocol {summary['protocol']}, percent"
    say_table(["encoder", "direction", *MEASURES], rows, title=title, stderr=stderr)
    chance = ", ".join(
        f"{direction.replace('_', ' ')} {values['chance_map']:.1f}"
        for direction, values in summary["last"].items()
    )
    note(f"a random order has mAP: {chance}")
    papers = ", as papers do" if summary["split"] == "test" else ""
    note(f"* best is picked on the {picked}{papers}; last is the number to trust")
    if summary["supervised"]:
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

    def show(self, message: Mapping[str, Any]) -> None:
        """Show one message of the run."""
        if message["kind"] == "step":
            self._advance(message)
        elif message["kind"] == "start":
            self._say(start_line(message))
        elif message["kind"] == "report":
            self._say(f"report: {message['path']}")
        elif message["kind"] == "cell":
            self._say(
                f"[{message['number']}/{message['of']}] {message['name']}{': done before' if message['done'] else ''}"
            )
        else:
            self._say(epoch_line(message))

    def _advance(self, message: Mapping[str, Any]) -> None:
        if not self._bar:
            return
        label = f"epoch {message['epoch']}"
        if self._task is None:
            self._task = self._bar.add_task(label)
        self._bar.update(self._task, description=label, completed=message["step"], total=message["of"])

    def _say(self, line: str) -> None:
        if self._bar:
            self._bar.console.print(line, highlight=False)
        else:
            note(line)


def start_line(message: Mapping[str, Any]) -> str:
    """What is trained on, and where the run is kept."""
    sets = ", ".join(
        f"{message[f'{m}_tracklets']:,} {m} tracklets ({message[f'{m}_frames']:,} frames)"
        for m in ("visible", "infrared")
    )
    notes = "".join(f"; {name} {value}" for name, value in message["notes"].items() if value)
    mlflow = f"\nMLflow: {message['mlflow']}" if message["mlflow"] else ""
    return (
        f"run folder: {message['folder']}{mlflow}\n"
        f"training on {sets}; ranking {message['ranked']:,}{notes}\n"
        f"memories: a copy on every worker, {message['memory_mb']:.1f} MB; "
        f"feature shards: {message['num_shards']}, each up to {message['shard_mb']:,.0f} MB"
    )


def epoch_line(report: Mapping[str, Any]) -> str:
    """One line for an epoch."""
    parts = [f"epoch {report['epoch']}/{report['of']} {report['stage']}"]
    parts += [f"{name} {value:.3f}" for name, value in report.get("loss", {}).items()]
    for modality, found in report.get("clusters", {}).items():
        agreement = f", ARI {found['ari']:.2f}" if "ari" in found else ""
        parts.append(f"{modality} {found['count']} clusters, noise {found['noise']:.0%}{agreement}")
    parts += [
        f"{name.replace('_', ' ')} {value:.2f}" for name, value in report.get("association", {}).items()
    ]
    for direction, scores in report.get("retrieval", {}).items():
        parts.append(f"{direction.replace('_to_', '->')} R1 {scores['rank1']:.1f} mAP {scores['map']:.1f}")
    return " | ".join(parts) + f" | {sum(report['seconds'].values()):.1f} s"


def main() -> None:
    """The entry of `python -m raydist.train`."""
    typer.run(train)
