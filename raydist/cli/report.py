"""`raydist report`: write the page of a finished run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, with_exit_codes

RunDir = Annotated[
    Path, typer.Argument(help="The folder of a finished run.", metavar="RUN_DIR", show_default=False)
]


@with_exit_codes
def report(run_dir: RunDir, json: Json = False) -> None:
    """Write report/index.html of a finished run: scores, curves, ranked lists; without a cluster."""
    from raydist.engine.run_folder import RunFolder
    from raydist.reports.run_page import write_run_page

    path = write_run_page(RunFolder.open(run_dir))
    print_line(f"report: {path}")
    if json:
        print_json({"report": str(path)})
