"""Tables that fit: what is too wide is continued below, and no cell is cut."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.table import Table

PIPED = 120
"""Columns where no terminal says how many there are, and COLUMNS does not either."""
BORDER = 3
"""What a column takes beside its text."""
LEAST = 12
"""Columns that the text in front is folded to, at least, where it leaves no room for the others."""


def width_of(stream: TextIO) -> int:
    """The columns of the terminal behind a stream; elsewhere COLUMNS, or `PIPED`."""
    if stream.isatty():
        return os.get_terminal_size(stream.fileno()).columns
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else PIPED


def tables_within(
    width: int, columns: Sequence[str], rows: Sequence[Sequence[str]], *, keys: int
) -> list[Table]:
    """A table, or several below each other that have as many of its columns as fit.

    Args:
        width: columns of the terminal.
        columns: the headings.
        rows: as long as `columns`.
        keys: so many of the first columns are text, and stand in every table.
    """
    widths = [max(len(text) for text in (name, *_lines_of(rows, at))) for at, name in enumerate(columns)]
    room = width - 1
    widest = max(widths[keys:], default=0) + BORDER
    in_front = fold([widths[at] + BORDER for at in range(keys)], room - widest)
    parts: list[list[int]] = [[]]
    left = room - sum(in_front)
    for at in range(keys, len(columns)):
        if parts[-1] and widths[at] + BORDER > left:
            parts.append([])
            left = room - sum(in_front)
        parts[-1].append(at)
        left -= widths[at] + BORDER
    return [_table(columns, rows, [*range(keys), *part], in_front) for part in parts]


def fold(widths: Sequence[int], room: int) -> list[int]:
    """The widths of texts, the widest made narrower until all fit, but none below `LEAST`.

    >>> fold([20, 30], 60), fold([20, 30], 40)
    ([20, 30], [20, 20])
    """
    widths = list(widths)
    while sum(widths) > room and max(widths, default=0) > LEAST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _lines_of(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    return list(chain.from_iterable(row[at].splitlines() for row in rows))


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], shown: Sequence[int], in_front: Sequence[int]
) -> Table:
    from rich.table import Table

    table = Table()
    for at in shown:
        if at < len(in_front):
            table.add_column(columns[at], overflow="fold", max_width=in_front[at] - BORDER)
        else:
            table.add_column(columns[at], justify="right", overflow="fold")
    for row in rows:
        table.add_row(*(row[at] for at in shown))
    return table
