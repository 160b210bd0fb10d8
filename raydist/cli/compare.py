"""`raydist compare`: one table over methods and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from raydist.cli.common import Json, Words, guarded, note, say_json, say_table, split_words
from raydist.cli.train import Display
from raydist.errors import ConfigError

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


@guarded
def compare(methods: Methods, words: Words = None, seeds: Seeds = "0,1,2", json: Json = False) -> None:
    """Train every method with every seed, or go on with what was begun, and print one table."""
    from raydist.distributed.driver.compare import plan_study, run_study

    recipe, changes = split_words(words)
    study = plan_study(recipe, _names(methods), _numbers(seeds), changes)
    note(f"study: {study.folder}")
    with Display() as display:
        table = run_study(study, say=display.show)
    show(table, stderr=json)
    if json:
        say_json(table | {"folder": str(study.folder)})


def _names(methods: str) -> list[str]:
    return [name.strip() for name in methods.split(",") if name.strip()]


def _numbers(seeds: str) -> list[int]:
    try:
        return [int(seed) for seed in seeds.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds {seeds}: expected numbers such as 0,1,2") from None


def show(table: Mapping[str, Any], *, stderr: bool = False) -> None:
    """The table, with what it was made of; measures that no method has are left out.

    ``right`` is the share of infrared tracklets that are assigned to their own person.
    """
    columns = {
        name: key for name, key in COLUMNS.items() if any(key in row["measures"] for row in table["rows"])
    }
    rows = [_row(row, columns.values()) for row in table["rows"]]
    data = ", ".join(f"{key} {value}" for key, value in table["data"].items())
    say_table(
        ["method", "seeds", *columns],
        rows,
        title="last epoch, percent, mean ± spread over seeds",
        stderr=stderr,
    )
    note(f"data: {data}; commit {', '.join(table['commits_of_cells'])}")


def _row(row: Mapping[str, Any], keys: Iterable[str]) -> Sequence[str]:
    label = row["method"] + (" (supervised)" if row["supervised"] else "")
    return [label, str(len(row["seeds"])), *(_cell(row["measures"].get(key), key) for key in keys)]


def _cell(value: Mapping[str, float] | None, key: str) -> str:
    if value is None:
        return "-"
    digits = 2 if key.endswith(("ari", "accuracy")) else 0 if key in ("seconds", "frames_seen") else 1
    spread = f" ± {value['spread']:.{digits}f}" if "spread" in value else ""
    return f"{value['mean']:,.{digits}f}{spread}"
