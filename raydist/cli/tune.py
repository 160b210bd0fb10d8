"""`raydist tune`: search hyper-parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import (
    Json,
    advising,
    print_json,
    print_line,
    print_table,
    resume_advice,
    split_arguments,
    with_exit_codes,
)
from raydist.cli.root import run_alone
from raydist.cli.system import enter
from raydist.engine.criteria_names import WHY_MISSING
from raydist.errors import ConfigError
from raydist.places import copy_of, named
from raydist.plurals import counted

if TYPE_CHECKING:
    from raydist.tuning.events import StudyEvent, StudyStarted, TrialChanged
    from raydist.tuning.study import Study
    from raydist.tuning.study_folder import StudyFolder
    from raydist.tuning.summary import StudySummary
    from raydist.tuning.trial import Trial

Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        help="A search space such as tune_spaces/cba.yaml, and section.key=value: data.name=A,B names the "
        "data sets, and a word with as many values gives each its own.",
        metavar="SPACE.yaml|KEY=VALUE",
        show_default=False,
    ),
]
Resume = Annotated[Path | None, typer.Option(help="Go on with the study in this folder.", show_default=False)]


@with_exit_codes
def tune(arguments: Arguments = None, resume: Resume = None, json: Json = False) -> None:
    """Search a method's hyper-parameters, on one data set or several at once; the worse half stops early."""
    study, resume = _study(arguments, resume)
    from raydist.distributed.tune.search import search

    display = _StudyDisplay(named(copy_of(resume).resolve()) if resume else None)
    with advising(lambda: resume_advice("tune", display.folder)):
        folder, summary = search(study, resume=resume, on_event=display.show)
    print_study(study, folder, summary, stderr=json)
    if json:
        print_json(summary.as_dict() | {"folder": named(folder.path)})


def _study(arguments: list[str] | None, resume: Path | None) -> tuple[Study, Path | None]:
    """The study of the given space; without one, that of the folder to go on with; and this folder."""
    from raydist.object_store import at_hand
    from raydist.tuning.space import Space
    from raydist.tuning.study import make_study, with_overrides
    from raydist.tuning.study_folder import StudyFolder

    space, overrides = split_arguments(arguments, what="search space")
    if space:
        study = make_study(Space.read(Path(space)), overrides)
        return (study, resume) if resume else _begun(study)
    if resume is None:
        raise ConfigError("no search space is given: name one, such as tune_spaces/cba.yaml")
    return with_overrides(StudyFolder.open(at_hand(resume)).study(), overrides), resume


def _begun(study: Study) -> tuple[Study, Path | None]:
    """The study, and the folder to go on with where the same command has begun it before."""
    from raydist.engine.on_exists import as_begun, begun_folder
    from raydist.tuning.study_folder import StudyFolder

    folder = begun_folder(study.base.run)
    if folder is None:
        return study, None
    before = StudyFolder.open(folder).study().bases
    bases = {
        data: as_begun(config, before[data]) if data in before else config
        for data, config in study.bases.items()
    }
    return replace(study, bases=bases), folder


class _StudyDisplay:
    """A line for each event; `folder` is that of the study, None before it begins."""

    def __init__(self, folder: str | None) -> None:
        self.folder = folder

    def show(self, event: StudyEvent) -> None:
        from raydist.tuning.events import StudyStarted

        if isinstance(event, StudyStarted):
            self.folder = event.folder
        print_line(describe_event(event))


def describe_event(event: StudyEvent) -> str:
    """What is searched, or what happened to a trial."""
    from raydist.tuning.events import StudyStarted

    return _start_lines(event) if isinstance(event, StudyStarted) else _trial_line(event)


def _start_lines(study: StudyStarted) -> str:
    mlflow = f"\nMLflow: {study.mlflow_uri}" if study.mlflow_uri else ""
    before = f", {study.num_ended} ended before" if study.num_ended else ""
    return (
        f"study folder: {study.folder}{mlflow}\n"
        f"{counted(study.num_parameters, 'parameter')} of {study.method} on {', '.join(study.data)}, "
        f"compared by {study.tune.objective}: {study.tune.search} search, "
        f"early stopping {study.tune.scheduler}\n"
        f"{counted(study.num_waiting, 'trial')} to run{before}; {study.at_once} at once"
    )


def _trial_line(trial: TrialChanged) -> str:
    reached = f"after epoch {trial.epoch}" + (f"/{trial.num_epochs}" if trial.num_epochs else "")
    if trial.state == "running":
        return f"trial {trial.number} goes on {reached}" if trial.epoch else f"trial {trial.number} started"
    value = "" if trial.value is None else f", {trial.objective} {_number(trial.value)}"
    reason = f": {trial.reason}" if trial.reason else ""
    return f"trial {trial.number} {trial.state} {reached}{value}{reason}"


def print_study(study: Study, folder: StudyFolder, summary: StudySummary, *, stderr: bool = False) -> None:
    """The table of all trials, and the files of the winner."""
    objective, data = summary.objective, summary.data
    own_columns = [f"{objective} {name}" for name in data] if len(data) > 1 else []
    trials = folder.trials()
    rows = [_row(trial, study, objective, with_own=bool(own_columns)) for trial in trials]
    title = f"{summary.method} on {', '.join(data)}: {objective} after a trial's last epoch"
    print_table(["trial", "state", "epochs", objective, *own_columns], rows, title=title, stderr=stderr)
    if objective in WHY_MISSING and any(trial.epochs and trial.last(objective) is None for trial in trials):
        print_line(WHY_MISSING[objective])
    stopped = summary.states.get("stopped", 0)
    saved = f"{100 * summary.analysis.saved:.0f} % of the full grid's steps"
    print_line(f"{stopped} of {counted(len(rows), 'trial')} were stopped early, which saved {saved}")
    print_line(
        f"trial {summary.analysis.winner.number} is the best of those that finished, "
        f"{objective} {_number(summary.value)}:"
    )
    for path in summary.best.values():
        print_line(f"    python -m raydist.train {path}")
    print_line(f"report: {summary.report}")


def _row(trial: Trial, study: Study, objective: str, *, with_own: bool) -> list[str]:
    last = trial.epochs[-1] if trial.epochs else None
    own = [_number(trial.last_of(data, objective)) for data in study.bases] if with_own else []
    reached = f"{last.epoch}/{last.num_epochs}" if last else "0"
    return [str(trial.number), trial.state, reached, _number(trial.last(objective)), *own]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def main() -> None:
    """The entry of `python -m raydist.tune`."""
    enter()
    run_alone(tune)
