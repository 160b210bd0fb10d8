"""`raydist recipes`: the recipes that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, print_listing, with_exit_codes

FOLDER = Path(__file__).parent.parent / "recipes"

COLUMNS = ("argument", "published", "ours", "why")

recipes = typer.Typer(help="List the recipes, or show one of them.", invoke_without_command=True)
Name = Annotated[
    str, typer.Argument(help="A recipe, or FILE.yaml of your own.", metavar="NAME", show_default=False)
]


@recipes.callback()
@with_exit_codes
def listing(ctx: typer.Context, json: Json = False) -> None:
    """List the recipes, or show one of them."""
    if ctx.invoked_subcommand is not None:
        return
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
    import yaml

    from raydist.config import compose, find

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
    print(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), end="")


def published_table(name: str) -> tuple[str, list[list[str]]]:
    """The authors' repository, and `COLUMNS` of their arguments; nothing for a recipe without a script."""
    from raydist.engine.published import compared, published_settings, table
    from raydist.engine.schema import load_config

    settings = published_settings(name)
    if settings is None:
        return "", []
    return settings.repository, table(compared(settings, load_config(name)))


def in_columns(rows: list[list[str]]) -> list[str]:
    """The rows below their headings, in columns as wide as their cells."""
    every = [list(COLUMNS), *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in every
    ]


def opening_comment(path: Path) -> list[str]:
    """The lines of the comment that a recipe opens with, without their marks; one empty line without any."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return lines or [""]
