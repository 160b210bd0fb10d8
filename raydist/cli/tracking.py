"""`raydist tracking`: send to MLflow what it has missed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes
from raydist.errors import ConfigError

if TYPE_CHECKING:
    from raydist.engine.tracked import Synced

tracking = typer.Typer(name="tracking", help="Send to MLflow what it has missed.", no_args_is_help=True)


@tracking.callback()
def _group() -> None:
    """Keep `sync` a command of its own."""


@tracking.command()
@with_exit_codes
def sync(
    run_dir: Annotated[
        Path, typer.Argument(help="Folder of a run, or of the runs on all splits.", metavar="RUN_DIR")
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="Another address or experiment: tracking.mlflow_uri=..., tracking.experiment=...",
            metavar="KEY=VALUE",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Send the epochs, files and end status of a run that MLflow does not have; again sends nothing twice."""
    from raydist.config import overrides
    from raydist.engine.run_folder import RunFolder
    from raydist.engine.schema import anchored, with_values
    from raydist.engine.split_folders import holds_splits
    from raydist.engine.tracked import sync as send

    if other := [word for word in words or [] if not word.startswith("tracking.")]:
        raise ConfigError(f"{other[0]}: only tracking.KEY=VALUE has a meaning here")
    is_whole = holds_splits(run_dir)
    whole = RunFolder(run_dir) if is_whole else RunFolder.open(run_dir)
    inner = [RunFolder.open(path.parent) for path in sorted(run_dir.glob("trial_*/config.yaml"))]
    results = []
    for folder in [whole, *(inner if is_whole else [])]:
        config = anchored(with_values(folder.config(), overrides(words or [])))
        results.append(send(folder, config))
        print_line(_line(results[-1]))
    if json:
        print_json({"runs": [asdict(result) for result in results]})


def _line(sent: Synced) -> str:
    parts = [f"{sent.epochs} epochs"] if sent.epochs else []
    parts += sent.files + ([f"the end ({sent.status})"] if sent.status else [])
    return f"{sent.folder}: {'sent ' + ', '.join(parts) if parts else 'nothing was missing'}"
