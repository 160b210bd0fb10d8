"""Options that the benchmarks share, and how their numbers are written."""

from __future__ import annotations

from typing import Annotated

import typer

from raydist.errors import ConfigError
from raydist.randomness import MAX_SEED

Dim = Annotated[int, typer.Option("--dim", min=1, help="Their width.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads that everything that is measured may use.")]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of all that is drawn.")]


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
