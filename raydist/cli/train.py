"""`raydist train`: train an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raydist.cli.common import (
    Arguments,
    Json,
    advising,
    config_of,
    print_json,
    print_line,
    resume_advice,
    split_arguments,
    with_exit_codes,
)
from raydist.cli.display import ProgressDisplay
from raydist.cli.root import run_alone
from raydist.cli.scores import print_summary
from raydist.cli.system import enter
from raydist.errors import ConfigError
from raydist.places import named

if TYPE_CHECKING:
    from raydist.engine.run_folder import RunFolder
    from raydist.engine.schema import Config

Resume = Annotated[
    Path | None,
    typer.Option(help="Go on with the run, or the runs on all splits, in this folder.", show_default=False),
]


@with_exit_codes
def train(arguments: Arguments = None, resume: Resume = None, json: Json = False) -> None:
    """Train an encoder from unlabelled tracklets; with nothing after it, the demo."""
    from raydist.data.datasets.dataset import ALL_TRIALS
    from raydist.object_store import at_hand

    config, resume = _resumed(at_hand(resume), arguments) if resume else _started(config_of(arguments))
    run = _train_splits if config.data.trial == ALL_TRIALS else _train_one
    display = ProgressDisplay(named(resume.resolve()) if resume else None)
    with advising(lambda: resume_advice("train", display.folder)):
        folder, summary = run(config, resume, display, json=json)
    print_line(f"run folder: {named(folder)}")
    if json:
        print_json(summary | {"folder": named(folder)})


def _train_one(
    config: Config, resume: Path | None, display: ProgressDisplay, *, json: bool
) -> tuple[Path, dict[str, Any]]:
    """Train, print the table, and give the folder and what its ``summary.json`` holds."""
    from raydist.distributed.driver.training import train as run

    with display:
        folder, summary = run(config, resume=resume, on_event=display.show)
    print_summary(summary, stderr=json)
    return folder.path, summary.as_dict()


def _train_splits(
    config: Config, resume: Path | None, display: ProgressDisplay, *, json: bool
) -> tuple[Path, dict[str, Any]]:
    """The same on all splits of a data set, with their mean."""
    from raydist.cli.split_scores import print_splits
    from raydist.distributed.driver.splits import train_splits

    with display:
        folder, summary = train_splits(config, resume=resume, on_event=display.show)
    print_splits(summary, stderr=json)
    return folder.path, summary.as_dict()


def _started(config: Config) -> tuple[Config, Path | None]:
    """The configuration, and the folder to go on with where the same command has begun it before."""
    from raydist.engine.on_exists import as_begun, begun_folder

    folder = begun_folder(config.run)
    return (config, None) if folder is None else (as_begun(config, _run_in(folder).config()), folder)


def _run_in(folder: Path) -> RunFolder:
    from raydist.engine.run_folder import RunFolder
    from raydist.engine.split_folders import holds_splits

    return RunFolder(folder) if holds_splits(folder) else RunFolder.open(folder)


def _resumed(folder: Path, arguments: list[str] | None) -> tuple[Config, Path]:
    """The configuration of an earlier run, with the overrides of the command line, and its folder."""
    from raydist.config import overrides
    from raydist.engine.schema import anchored, with_values

    recipe, words = split_arguments(arguments)
    if recipe is not None:
        raise ConfigError(
            f"{recipe} with --resume {folder}: a run goes on with its own configuration; leave the recipe out"
        )
    return anchored(with_values(_run_in(folder).config(), overrides(words))), folder


def main() -> None:
    """The entry of `python -m raydist.train`."""
    enter()
    run_alone(train)
