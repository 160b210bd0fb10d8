"""`raydist recipes`: the recipes that ship with the package."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, print_listing, with_exit_codes

FOLDER = Path(__file__).parent.parent / "recipes"

COLUMNS = ("argument", "published", "ours", "why")
WIDTHS = (22, 24, 38, 18)

recipes = typer.Typer(help="List the recipes, or show one of them.", invoke_without_command=True)
Name = Annotated[
    str, typer.Argument(help="A recipe, or FILE.yaml of your own.", metavar="NAME", show_default=False)
]


@recipes.callback()
def listing(ctx: typer.Context, json: Json = False) -> None:
    """List the recipes, or show one of them."""
    if ctx.invoked_subcommand is None:
        list_all(json=json)


@with_exit_codes
def list_all(*, json: bool) -> None:
    """Every recipe with the first line of its comment."""
    names = sorted(path.stem for path in FOLDER.glob("[!_]*.yaml"))
    listed = {name: opening_comment(FOLDER / f"{name}.yaml")[0] for name in names}
    if json:
        print_json({"recipes": listed})
        return
    print_listing(listed)
    print_line("raydist recipes show NAME shows one of them; python -m raydist.train NAME trains by it")


@recipes.command()
@with_exit_codes
def show(name: Name, json: Json = False) -> None:
    """Show what a recipe says of itself, and what it sets with all that it extends; it can be trained so."""

    from raydist.config import compose, find
    from raydist.yaml_files import dump_yaml

    path = find(name, FOLDER)
    values = compose(path, library=FOLDER)
    comment = opening_comment(path)
    repository, rows = published_table(name)
    if json:
        facts = {"recipe": name, "comment": comment, "values": values}
        published = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        print_json(facts | ({"repository": repository, "published": published} if rows else {}))
        return
    print("\n".join(f"# {line}".rstrip() for line in comment))
    if rows:
        print(
            "\n".join(f"# {line}".rstrip() for line in [f"Against {repository}:", "", *in_columns(rows), ""])
        )
    print(dump_yaml(values), end="")


def published_table(name: str) -> tuple[str, list[list[str]]]:
    """The authors' repository, and `COLUMNS` of their arguments; nothing for a recipe without a script."""
    from raydist.engine.published import compared, published_settings, table
    from raydist.engine.schema import load_config

    settings = published_settings(name)
    if settings is None:
        return "", []
    return settings.repository, table(compared(settings, load_config(name)))


def in_columns(rows: list[list[str]]) -> list[str]:
    """The rows below their headings, in columns whose cells fold, so that a line fits a terminal."""
    lines = []
    for row in [list(COLUMNS), *rows]:
        cells = [
            wrap(cell, width, break_long_words=False, break_on_hyphens=False)
            for cell, width in zip(row, WIDTHS, strict=True)
        ]
        for line in zip_longest(*cells, fillvalue=""):
            padded = [part.ljust(width) for part, width in zip(line, WIDTHS, strict=True)]
            lines.append("  ".join(padded).rstrip())
    return lines


def opening_comment(path: Path) -> list[str]:
    """The lines of the comment that a recipe opens with, without their marks; one empty line without any."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return lines or [""]
