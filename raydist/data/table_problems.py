"""The problems of one table, collected and reported in one error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raydist.errors import DataError
from raydist.plurals import counted
from raydist.types import Ints

SHOWN = 20
"""Problems that a message lists; the others are counted."""

ROWS_SHOWN = 10
"""Rows that one problem lists; the others are counted."""

FROM_0 = "rows are counted from 0"
AS_A_SPREADSHEET = "rows are counted as a spreadsheet does, the headings are row 1"


class TableProblems:
    """Collects problems; each names its column, its rows, what stands there and what to do about it.

    Args:
        numbers: int64 [N], the number by which people know each row; None counts from 0.

    >>> problems = TableProblems()
    >>> problems.add(f"camera: empty in {problems.rows([3, 4])}; name it")
    >>> problems.refuse("t.csv")
    Traceback (most recent call last):
        ...
    raydist.errors.DataError: t.csv has 1 problem; rows are counted from 0:
      - camera: empty in rows 3, 4; name it
    """

    def __init__(self, numbers: Ints | None = None) -> None:
        self._numbers = numbers
        self._lines: list[str] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, problem: str) -> None:
        """Note one problem."""
        self._count += 1
        if len(self._lines) < SHOWN:
            self._lines.append(problem)

    def add_unlisted(self, count: int) -> None:
        """Count problems that are not listed, since as many of their kind are."""
        self._count += max(0, count)

    def rows(self, where: NDArray[Any] | Sequence[int] | pa.ChunkedArray) -> str:
        """Rows in words, given by their places or a mask: the first ones, and their number if there are
        more."""
        places = row_places(where)
        shown = places[:ROWS_SHOWN] if self._numbers is None else self._numbers[places[:ROWS_SHOWN]]
        listed = ", ".join(str(number) for number in shown.tolist())
        more = f", ... ({len(places)} rows)" if len(places) > ROWS_SHOWN else ""
        return f"{'row' if len(places) == 1 else 'rows'} {listed}{more}"

    def refuse(self, what: str) -> None:
        """Refuse the table if it has problems.

        Raises:
            DataError: with a line for each of the first problems, and the number of all.
        """
        if not self._count:
            return
        lines = list(self._lines)
        if self._count > len(lines):
            lines.append(f"and {self._count - len(lines):,} more")
        numbering = FROM_0 if self._numbers is None else AS_A_SPREADSHEET
        listed = "".join(f"\n  - {line}" for line in lines)
        raise DataError(f"{what} has {counted(self._count, 'problem')}; {numbering}:{listed}")


def row_places(where: NDArray[Any] | Sequence[int] | pa.ChunkedArray) -> Ints:
    """The places of some rows, int64 [R]; in a mask of Arrow, null is False.

    >>> row_places(pa.array([False, True, None])).tolist()
    [1]
    """
    if isinstance(where, pa.ChunkedArray | pa.Array):
        where = where.fill_null(False).to_numpy(zero_copy_only=False) if len(where) else np.zeros(0, bool)
    places: NDArray[Any] = np.asarray(where)
    return np.flatnonzero(places) if places.dtype == bool else places.astype(np.int64)


def quoted(value: object, *, most: int = 80) -> str:
    """A value as it stands in a message: in quotation marks, back slashes single, and cut where it is long.

    >>> print(quoted("x" * 90, most=5), quoted("a\\\\b"))
    'xxxxx...' 'a\\b'
    """
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= most else f"{text[:most]}...").replace("\\\\", "\\")
