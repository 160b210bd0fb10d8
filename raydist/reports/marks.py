"""The parts of a drawing that have a value of their own, which the page's script shows and steps through."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple


class Mark(NamedTuple):
    """A rectangle of a drawing, in its pixels, and what is shown where the pointer or the keys are on it.

    Attributes:
        left, top: its corner.
        width, height: its size; a width of 0 is a line, which is as near as the pointer gets to it.
        text: its values, a line each.
    """

    left: float
    top: float
    width: float
    height: float
    text: str


def as_json(marks: Sequence[Mark]) -> str:
    """Marks as compact JSON, which the script of the page reads.

    >>> as_json([Mark(1, 2.5, 0, 9, "a")])
    '[[1,2.5,0,9,"a"]]'
    """
    return json.dumps([list(mark) for mark in marks], separators=(",", ":"), ensure_ascii=False)
