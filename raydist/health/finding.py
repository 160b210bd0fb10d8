"""The outcome of one check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from raydist.announcements import announce
from raydist.errors import ConfigError

Level = Literal["fine", "warning", "stops"]
"""``stops``: a training cannot work; ``warning``: it may not, or it is not safe."""

GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """What a check came to.

    Attributes:
        name: of what was looked at.
        level: how bad it is.
        text: what is there, and what is needed.
        fix: what to do; empty where nothing is wrong.
    """

    name: str
    level: Level
    text: str
    fix: str = ""

    def line(self) -> str:
        """In one line.

        >>> Finding("disk", "warning", "1 GiB left", "make room").line()
        'disk: 1 GiB left: make room'
        """
        return f"{self.name}: {self.text}" + (f": {self.fix}" if self.fix else "")


def compared(name: str, have: float, *, least: float, enough: float, text: str, fix: str) -> Finding:
    """A check of a figure.

    Args:
        name: of what was looked at.
        have: the figure.
        least: with less, a training cannot work.
        enough: with less, it may not.
        text: the figure and the need.
        fix: what to do where it is too small.
    """
    level: Level = "stops" if have < least else "warning" if have < enough else "fine"
    return Finding(name, level, text, "" if level == "fine" else fix)


def size(number: float) -> str:
    """Bytes for people.

    >>> size(3 * 2**30), size(5_000_000)
    ('3.0 GiB', '5 MiB')
    """
    return f"{number / GIB:,.1f} GiB" if number >= GIB else f"{number / 2**20:,.0f} MiB"


def require_healthy(findings: Iterable[Finding]) -> None:
    """Announce what is warned of, and refuse a training that cannot work.

    Raises:
        ConfigError: with everything that stops it, a line each.
    """
    checked = list(findings)
    for one in checked:
        if one.level == "warning":
            announce(f"warning: {one.line()}")
    if stopping := [one.line() for one in checked if one.level == "stops"]:
        raise ConfigError("this machine cannot run the training: " + "\n".join(stopping))
