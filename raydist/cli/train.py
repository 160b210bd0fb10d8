"""`raydist train`: train an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from raydist.cli.scores import print_summary
from raydist.cli.system import open_streams
from raydist.errors import ConfigError

if TYPE_CHECKING:
    from raydist.engine.schema import Config

Resume = Annotated[Path | None, typer.Option(help="Go on with the run in this folder.", show_default=False)]


@with_exit_codes
def train(arguments: Arguments = None, resume: Resume = None, json: Json = False) -> None:
    """Train an encoder from unlabelled tracklets; with nothing after it, the demo."""
    config = _resumed(resume, arguments) if resume else config_of(arguments)
    from raydist.distributed.driver.training import train as run

    display = ProgressDisplay(str(resume.resolve()) if resume else None)
    with advising(lambda: resume_advice("train", display.folder)), display:
        folder, summary = run(config, resume=resume, on_event=display.show)
    print_summary(summary, stderr=json)
    print_line(f"run folder: {folder.path}")
    if json:
        print_json(summary.as_dict() | {"folder": str(folder.path)})


def _resumed(folder: Path, arguments: list[str] | None) -> Config:
    """The configuration of an earlier run, with the overrides of the command line."""
    from raydist.config import overrides
    from raydist.engine.run_folder import RunFolder
    from raydist.engine.schema import with_values

    recipe, words = split_arguments(arguments)
    if recipe is not None:
        raise ConfigError(
            f"{recipe} with --resume {folder}: a run goes on with its own configuration; leave the recipe out"
        )
    return with_values(RunFolder.open(folder).config(), overrides(words))


def main() -> None:
    """The entry of `python -m raydist.train`."""
    open_streams()
    typer.run(train)
