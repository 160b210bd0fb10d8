"""`raydist compare`: one table over methods and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    from raydist.distributed.driver.comparison_table import ComparisonTable, TableRow
    from raydist.engine.spread import MeanAndSpread

Methods = Annotated[
    str, typer.Option(help="Comma-separated methods or recipes; NAME+section.key=value for a changed one.")
]
Seeds = Annotated[str, typer.Option(help="Comma-separated.")]

COLUMNS = {
    "mAP i->v": "last/infrared_to_visible/map",
    "mAP v->i": "last/visible_to_infrared/map",
    "R1 i->v": "last/infrared_to_visible/rank1",
    "R1 v->i": "last/visible_to_infrared/rank1",
    "untrained": "untrained/infrared_to_visible/map",
    "ARI v": "last/visible/ari",
    "ARI i": "last/infrared/ari",
    "ARI joint": "last/joint_ari",
    "right": "last/assignment_accuracy",
    "seconds": "seconds",
    "frames": "frames_seen",
}
"""Column -> the metric of a row."""


@with_exit_codes
def compare(
    methods: Methods, arguments: Arguments = None, seeds: Seeds = "0,1,2", json: Json = False
) -> None:
    """Train every method with every seed, or go on with what was begun, and print one table."""
    from raydist.distributed.driver.compare import run_comparison
    from raydist.distributed.driver.comparison import plan_comparison

    recipe, overrides = split_arguments(arguments)
    comparison = plan_comparison(recipe, _names(methods), _numbers(seeds), overrides)
    print_line(f"study: {named(comparison.folder)}")
    with advising(lambda: "the same command goes on with what was begun"), ProgressDisplay() as display:
        table = run_comparison(comparison, on_event=display.show)
    print_comparison(table, stderr=json)
    if json:
        print_json(table.as_dict() | {"folder": named(comparison.folder)})


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


def print_comparison(table: ComparisonTable, *, stderr: bool = False) -> None:
    """The table, with the data and the commits behind it; metrics that no method has are left out.

    ``right`` is the share of infrared tracklets that are assigned to their own person.
    """
    columns = {name: key for name, key in COLUMNS.items() if any(key in row.measures for row in table.rows)}
    rows = [_row(row, columns.values()) for row in table.rows]
    data = ", ".join(f"{key} {value}" for key, value in table.data.items())
    print_table(
        ["method", "seeds", *columns],
        rows,
        title="last epoch, percent, mean ± spread over seeds",
        stderr=stderr,
    )
    print_line(f"data: {data}; commit {', '.join(table.commits_of_cells)}")


def _row(row: TableRow, keys: Iterable[str]) -> Sequence[str]:
    label = row.method + (" (supervised)" if row.supervised else "")
    return [label, str(len(row.seeds)), *(_cell(row.measures.get(key), key) for key in keys)]


def _cell(value: MeanAndSpread | None, key: str) -> str:
    if value is None:
        return "-"
    digits = 2 if key.endswith(("ari", "accuracy")) else 0 if key in ("seconds", "frames_seen") else 1
    return value.text(digits)
