"""Options that the benchmarks share, and how their numbers are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any

import typer

from raydist.errors import ConfigError
from raydist.randomness import MAX_SEED

Dim = Annotated[int, typer.Option("--dim", min=1, help="Their width.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads that everything that is measured may use.")]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of all that is drawn.")]


def given_options(options: Any, names: Sequence[str]) -> dict[str, object]:
    """Those of some options that have another value than by default, as they are written.

    Args:
        options: a dataclass of options.
        names: of its fields.
    """
    defaults = {field.name: field.default for field in fields(options)}
    return {f"--{name}": getattr(options, name) for name in names if getattr(options, name) != defaults[name]}


def numbers(text: str, option: str) -> list[int]:
    """Increasing numbers of rows, comma-separated.

    Args:
        text: as it was given.
        option: its name, for the message.

    Raises:
        ConfigError: it is something else.

    >>> numbers("20000,100000", "--sizes")
    [20000, 100000]
    """
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1 or sorted(set(sizes)) != sizes:
        raise ConfigError(f"{option} {text}: expected increasing numbers of rows such as 20000,100000")
    return sizes


def powers_of_two(most: int) -> list[int]:
    """1, 2, 4, ... and the number itself.

    >>> powers_of_two(6)
    [1, 2, 4, 6]
    """
    return sorted({2**power for power in range(most.bit_length())} | {most})


def ratio_text(ratio: float) -> str:
    """How many times as much.

    >>> ratio_text(12.34)
    '12.3x'
    """
    return f"{ratio:.1f}x"


def yes_or_no(truth: bool) -> str:
    """A truth value for people."""
    return "yes" if truth else "no"


def duration(seconds: float) -> str:
    """Seconds, or hours where they are many.

    >>> duration(0.25), duration(7200.0)
    ('0.25 s', '2.0 h')
    """
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds:.0f} s" if seconds >= 100 else f"{seconds:.2f} s"
