"""`raydist tune`: search hyper-parameters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raydist.cli.common import Json, guarded, note, say_json, say_table, split_words
from raydist.errors import ConfigError

if TYPE_CHECKING:
    from raydist.tuning.records import StudyFolder, Trial
    from raydist.tuning.study import Study

Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="A search space such as tune_spaces/cba.yaml, and section.key=value: data.name=A,B names the data sets, and a word "
        "with as many values gives each its own.",
        show_default=False,
    ),
]
Resume = Annotated[Path | None, typer.Option(help="Go on with the study in this folder.", show_default=False)]


@guarded
def tune(words: Words = None, resume: Resume = None, json: Json = False) -> None:
    """Search the hyper-parameters of a method, on one data set or several at once; the worse half is stopped early."""
    study = _study(words, resume)
    from raydist.distributed.tune.search import search

    folder, summary = search(study, resume=resume, say=lambda message: note(line(message)))
    show(study, folder, summary, stderr=json)
    if json:
        say_json(summary | {"folder": str(folder.path)})


def _study(words: list[str] | None, resume: Path | None) -> Study:
    """The study of the given space; without one, that of the folder to go on with."""
    from raydist.tuning.records import StudyFolder
    from raydist.tuning.space import Space
    from raydist.tuning.study import changed, plan_study

    space, changes = split_words(words, what="search space")
    if space:
        return plan_study(Space.read(Path(space)), changes)
    if resume is None:
        raise ConfigError("no search space is given: name one, such as tune_spaces/cba.yaml")
    return changed(StudyFolder.open(resume).study(), changes)


def line(message: Mapping[str, Any]) -> str:
    """What is searched, or what became of a trial."""
    if message["kind"] == "study":
        return _start_line(message)
    number, state, epoch = message["number"], message["state"], message["epoch"]
    reached = f"after epoch {epoch}" + (f"/{message['of']}" if message["of"] else "")
    if state == "running":
        return f"trial {number} goes on {reached}" if epoch else f"trial {number} started"
    value = "" if message["value"] is None else f", {message['objective']} {_number(message['value'])}"
    why = f": {message['reason']}" if message["reason"] else ""
    return f"trial {number} {state} {reached}{value}{why}"


def _start_line(message: Mapping[str, Any]) -> str:
    tune, where = message["tune"], ", ".join(message["data"])
    mlflow = f"\nMLflow: {message['mlflow']}" if message["mlflow"] else ""
    before = f", {message['ended']} ended before" if message["ended"] else ""
    return (
        f"study folder: {message['folder']}{mlflow}\n"
        f"{message['parameters']} parameters of {message['method']} on {where}, compared by {tune['objective']}: "
        f"{tune['search']} search, early stopping {tune['scheduler']}\n"
        f"{message['waiting']} trials to run{before}; {message['at_once']} at once"
    )


def show(study: Study, folder: StudyFolder, summary: Mapping[str, Any], *, stderr: bool = False) -> None:
    """The table of all trials, and where the winner is."""
    objective, data = summary["objective"], summary["data"]
    own = [f"{objective} {name}" for name in data] if len(data) > 1 else []
    rows = [_row(trial, study, objective, with_own=bool(own)) for trial in folder.trials()]
    title = f"{summary['method']} on {', '.join(data)}: {objective} after a trial's last epoch"
    say_table(["trial", "state", "epochs", objective, *own], rows, title=title, stderr=stderr)
    stopped = summary["trials"].get("stopped", 0)
    saved = f"{100 * summary['steps_saved']:.0f} % of the full grid's steps"
    note(f"{stopped} of {len(rows)} trials were stopped early, which saved {saved}")
    note(
        f"trial {summary['winner']['trial']} is the best of those that finished, {objective} {_number(summary['value'])}:"
    )
    for path in summary["best"].values():
        note(f"    python -m raydist.train {path}")
    note(f"report: {summary['report']}")


def _row(trial: Trial, study: Study, objective: str, *, with_own: bool) -> list[str]:
    last = trial.epochs[-1] if trial.epochs else None
    own = [_number(trial.last_of(data, objective)) for data in study.bases] if with_own else []
    reached = f"{last.epoch}/{last.of}" if last else "0"
    return [str(trial.number), trial.state, reached, _number(trial.last(objective)), *own]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def main() -> None:
    """The entry of `python -m raydist.tune`."""
    typer.run(tune)
