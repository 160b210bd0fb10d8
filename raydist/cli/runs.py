"""`raydist runs`: list the runs in a folder, show one, compare several."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, print_table, with_exit_codes
from raydist.errors import ConfigError
from raydist.plurals import counted

if TYPE_CHECKING:
    from raydist.engine.run_listing import RunEntry

runs = typer.Typer(help="List the runs in a folder, show one, or compare several.", no_args_is_help=True)

Folder = Annotated[
    Path | None,
    typer.Argument(
        help="Where the runs are; by default runs/ in RAYDIST_HOME.", metavar="DIR", show_default=False
    ),
]
Run = Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN_DIR", show_default=False)]
Several = Annotated[
    list[Path], typer.Argument(help="Folders of two or more runs.", metavar="RUN_DIR...", show_default=False)
]


@runs.command("ls")
@with_exit_codes
def list_runs(folder: Folder = None, json: Json = False) -> None:
    """List the runs in a folder, the newest first."""
    from raydist.engine.run_listing import list_runs as listing_of
    from raydist.home import resolve

    root = folder or resolve("runs")
    if not root.is_dir():
        raise ConfigError(f"{root} is no folder: give the one that runs are written to (run.dir)")
    listing = listing_of(root)
    rows = [_row(run) for run in listing.runs]
    if rows and not json:
        print_table(COLUMNS, rows)
    print_line(f"{counted(len(rows), 'run')} in {root}")
    for name, reason in listing.skipped.items():
        print_line(f"skipped {name}: {reason}")
    if json:
        print_json(
            {"folder": str(root), "runs": [asdict(run) for run in listing.runs], "skipped": listing.skipped}
        )


WAYS = ("infrared_to_visible", "visible_to_infrared")
COLUMNS = ("run", "method", "data", "state", "epochs", "mAP i->v", "mAP v->i", "started", "seconds")


def _row(run: RunEntry) -> list[str]:
    scores = [
        f"{run.map[way]:.1f}" if way in run.map else "-"
        for way in ("infrared_to_visible", "visible_to_infrared")
    ]
    started = run.started[:16].replace("T", " ")
    return [
        run.name,
        run.method,
        run.data if run.splits is None else f"{run.data}, {counted(run.splits, 'split')}",
        run.state,
        str(run.epochs),
        *scores,
        started,
        f"{run.seconds:,.0f}",
    ]


@runs.command()
@with_exit_codes
def show(run_dir: Run, json: Json = False) -> None:
    """Show a run: where it comes from, its configuration, scores and files; of one on all splits the mean."""
    from raydist.cli.run_view import show_run
    from raydist.engine.run_facts import RunFacts
    from raydist.engine.split_folders import holds_splits

    if holds_splits(run_dir):
        _show_splits(run_dir, json=json)
        return
    facts = RunFacts.read(run_dir)
    if json:
        print_json(asdict(facts))
    else:
        show_run(facts)


def _show_splits(folder: Path, *, json: bool) -> None:
    """The mean over the splits that are finished."""
    from raydist.cli.split_scores import print_splits
    from raydist.engine.run_folder import RunFolder
    from raydist.engine.splits import SplitsFolder

    summary = SplitsFolder.open(folder, RunFolder(folder).config()).summary()
    if summary is None:
        raise ConfigError(
            f"{folder}: no split is finished yet; go on with: python -m raydist.train --resume {folder}"
        )
    print_splits(summary, stderr=json)
    if json:
        print_json(summary.as_dict())


@runs.command()
@with_exit_codes
def compare(run_dirs: Several, json: Json = False) -> None:
    """Show the scores of runs side by side, and the configuration in which they differ."""
    from raydist.cli.run_view import show_comparison
    from raydist.engine.run_facts import RunFacts, differing_keys
    from raydist.engine.run_folder import RunFolder

    if len(run_dirs) < 2:
        raise ConfigError(f"{run_dirs[0]}: one run is given; name two or more to compare")
    facts = [RunFacts.read(path) for path in run_dirs]
    keys = differing_keys([RunFolder.open(path).config() for path in run_dirs])
    if json:
        print_json({"runs": [asdict(one) for one in facts], "differences": keys})
    else:
        show_comparison(facts, keys)
