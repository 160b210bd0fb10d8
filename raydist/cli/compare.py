"""`raydist compare`: one table over methods and seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raydist.cli.common import (
    Arguments,
    Json,
    advising,
    print_json,
    print_line,
    print_table,
    split_arguments,
    with_exit_codes,
)
from raydist.cli.display import ProgressDisplay
from raydist.errors import ConfigError
from raydist.places import named

if TYPE_CHECKING:
    from raydist.engine.comparison_table import ComparisonTable

Methods = Annotated[
    str, typer.Option(help="Comma-separated methods or recipes; NAME+section.key=value for a changed one.")
]
Seeds = Annotated[str, typer.Option(help="Comma-separated.")]
Explain = Annotated[
    bool, typer.Option("--explain", help="Also say from which commit and configuration each cell came.")
]
Out = Annotated[
    Path | None,
    typer.Option(help="Also write the table, as the ending says: .html, .tex or .json.", show_default=False),
]

FORMS = (".html", ".tex", ".json")
"""Endings of a file that the table is written to."""


@with_exit_codes
def compare(
    methods: Methods,
    arguments: Arguments = None,
    seeds: Seeds = "0,1,2",
    explain: Explain = False,
    out: Out = None,
    json: Json = False,
) -> None:
    """Train every method with every seed, or go on with what was begun, and print one table."""
    if out is not None:
        _require_form(out)
    from raydist.distributed.driver.compare import run_comparison
    from raydist.distributed.driver.comparison import plan_comparison

    recipe, overrides = split_arguments(arguments)
    comparison = plan_comparison(recipe, _names(methods), _numbers(seeds), overrides)
    print_line(f"study: {named(comparison.folder)}")
    with advising(lambda: "the same command goes on with what was begun"), ProgressDisplay() as display:
        table = run_comparison(comparison, on_event=display.show)
    print_comparison(table, explain=explain, stderr=json)
    if out is not None:
        _write(table, out)
    if json:
        print_json(table.as_dict() | {"folder": named(comparison.folder)})


def _require_form(out: Path) -> None:
    """Refuse a file that cannot be written, before anything is trained."""
    from raydist.cli.system import require_writable

    if out.suffix not in FORMS:
        raise ConfigError(f"--out {out}: expected a file that ends in {', '.join(FORMS)}")
    require_writable(out, what="--out")


def _names(methods: str) -> list[str]:
    names = [name.strip() for name in methods.split(",")]
    if not all(names):
        raise ConfigError(f"--methods {methods!r}: expected methods or recipes, such as cba,pgm")
    return names


def _numbers(seeds: str) -> list[int]:
    try:
        return [int(seed) for seed in seeds.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds {seeds}: expected numbers such as 0,1,2") from None


def print_comparison(table: ComparisonTable, *, explain: bool = False, stderr: bool = False) -> None:
    """The table, differences to its first row, and the data and commits behind it; metrics that no method has
    are left out.

    Args:
        table: the results.
        explain: whether to say where each cell came from.
        stderr: where standard output is for something else.
    """
    from raydist.reports import comparison_cells as text

    columns = text.shown_columns(table)
    rows = [text.cells_of(row, columns) for row in table.rows]
    print_table(text.headings(columns), rows, title=text.TITLE, stderr=stderr)
    if "best i->v" in columns:
        print_line(text.NOTE)
    if differences := text.difference_rows(table):
        title = text.DIFFERENCES.format(first=table.rows[0].method)
        print_table(["method", *text.MAPS, "seeds"], differences, title=title, stderr=stderr)
    if explain:
        title = "the name of a folder ends in the digest of its configuration"
        print_table(
            ["method", "seed", "commit", "folder"], text.origin_rows(table), title=title, stderr=stderr
        )
    data = ", ".join(f"{key} {value}" for key, value in table.data.items())
    print_line(f"data: {data}; commit {', '.join(table.commits_of_cells)}")


def _write(table: ComparisonTable, out: Path) -> None:
    """Write the table in the form that the ending of a file says."""
    from raydist.reports.comparison_latex import comparison_latex
    from raydist.reports.comparison_page import comparison_page
    from raydist.reports.templates import write_html
    from raydist.storage import SHARED, make_folder, write_json, write_whole

    make_folder(out.parent)
    if out.suffix == ".html":
        write_html(out, comparison_page(table))
    elif out.suffix == ".tex":
        write_whole(out, comparison_latex(table), mode=SHARED)
    else:
        write_json(out, table.as_dict())
    print_line(f"table: {out}")
