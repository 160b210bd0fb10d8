"""What all commands share: exit codes, JSON as the last line, tables."""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from raydist.errors import ConfigError, RaydistError
from raydist.home import cache_folder

if TYPE_CHECKING:
    from raydist.engine.schema import Config

os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder() / "numba"))  # before anything imports numba
os.environ.setdefault("GOMP_SPINCOUNT", "0")

F = TypeVar("F", bound=Callable[..., Any])
Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="A recipe or FILE.yaml, and section.key=value to change anything.", show_default=False
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object as the last line on stdout; all else goes to stderr."),
]

INTERRUPTED, TERMINATED = 130, 143


def note(text: str) -> None:
    """A line for people, on stderr."""
    print(text, file=sys.stderr, flush=True)


def guarded(command: F) -> F:
    """Turn errors into one clear message and the promised exit code: 1 failed run, 2 usage or config, 3 data, 130 interrupted."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        atexit.register(gc.freeze)  # Python would search all modules for garbage at its end, for seconds
        signal.signal(signal.SIGTERM, _terminate)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return command(*args, **kwargs)
        except RaydistError as error:
            note(f"error: {error}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            note("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    return run  # type: ignore[return-value]


def _terminate(number: int, frame: object) -> None:
    raise SystemExit(TERMINATED)


def split_words(words: Sequence[str] | None, *, what: str = "recipe") -> tuple[str | None, list[str]]:
    """The recipe (or whatever it is called) if one is named, and the `section.key=value` words.

    Raises:
        ConfigError: more than one is named.
    """
    named = [word for word in words or [] if "=" not in word]
    if len(named) > 1:
        raise ConfigError(f"{' '.join(named)}: give one {what}; values are written section.key=value")
    return (named[0] if named else None), [word for word in words or [] if "=" in word]


def load(words: Sequence[str] | None) -> Config:
    """The configuration of a command line."""
    from raydist.engine.schema import load_config

    return load_config(*split_words(words))


def say_json(value: Mapping[str, Any]) -> None:
    """The last line of a command with ``--json``."""
    print(json.dumps(value), flush=True)


def say_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None, stderr: bool = False
) -> None:
    """A table; the first column is text, the others are numbers."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console(stderr=stderr, width=None if sys.stdout.isatty() else 120).print(table)


SHORT = {"infrared_to_visible": "infrared -> visible", "visible_to_infrared": "visible -> infrared"}
MEASURES = ("rank1", "rank5", "rank10", "rank20", "map", "minp")


def scores_rows(label: str, scores: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """Rows of a table of retrieval measures in percent."""
    return [
        [label, SHORT[direction], *(f"{values[m]:.1f}" for m in MEASURES)]
        for direction, values in scores.items()
    ]
