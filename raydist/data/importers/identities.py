"""Identities of any text as the whole numbers that a manifest holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from raydist.data.importers.files import write_whole

UNKNOWN = "-1"
"""The text of an identity that is not known."""

_MOST_DIGITS = 18


def number_identities(texts: Iterable[str]) -> dict[str, int]:
    """A number for each identity.

    Whole numbers stand for themselves, if all are; else the texts are sorted and counted from 1.

    >>> number_identities(["0007", "12"])
    {'0007': 7, '12': 12}
    >>> number_identities(["eve", "7", "eve"])
    {'7': 1, 'eve': 2}
    """
    names = sorted(set(texts))
    if all(name.isascii() and name.isdigit() and len(name) <= _MOST_DIGITS for name in names):
        numbers = {name: int(name) for name in names}
        if len(set(numbers.values())) == len(names):
            return numbers
    return {name: number for number, name in enumerate(names, start=1)}


def are_renumbered(numbers: Mapping[str, int]) -> bool:
    """Whether a number is not what its text says."""
    return any((name.lstrip("0") or "0") != str(number) for name, number in numbers.items())


def write_identities(path: Path, numbers: Mapping[str, int]) -> None:
    """Write which text has which number, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["identity", "name"])
    writer.writerows([number, name] for name, number in numbers.items())
    write_whole(path, text.getvalue().encode())
