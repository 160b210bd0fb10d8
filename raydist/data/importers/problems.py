"""The problems of an input, collected over all its files and reported in one error."""

from __future__ import annotations

from pathlib import Path

from raydist.errors import DataError
from raydist.plurals import counted

SHOWN_PER_FILE = 20
"""Problems of one file that a message lists; the others are counted."""


class Problems:
    """Collects problems; each names its file and, where there is one, its line.

    >>> problems = Problems()
    >>> problems.add("cam1.txt", "no track", line=3)
    >>> problems.lines()
    ['cam1.txt, line 3: no track']
    """

    def __init__(self) -> None:
        self._by_file: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(self._counts.values())

    def add(self, file: str | Path, problem: str, *, line: int | None = None) -> None:
        """Note one problem of a file.

        Args:
            file: the file or folder.
            problem: what is wrong, and what to do about it.
            line: number of the line, from 1; None for the file as a whole.
        """
        name = str(file)
        self._counts[name] = self._counts.get(name, 0) + 1
        if self._counts[name] <= SHOWN_PER_FILE:
            where = name if line is None else f"{name}, line {line}"
            self._by_file.setdefault(name, []).append(f"{where}: {problem}")

    def lines(self) -> list[str]:
        """One line for each problem, file by file; what is above `SHOWN_PER_FILE` as a number."""
        lines = []
        for name, shown in self._by_file.items():
            lines += shown
            if self._counts[name] > len(shown):
                lines.append(f"{name}: and {self._counts[name] - len(shown):,} more")
        return lines

    def raise_any(self) -> None:
        """Refuse the input if it has problems.

        Raises:
            DataError: with all of them.
        """
        if self._counts:
            listed = "\n  - ".join(self.lines())
            raise DataError(f"the files to import have {counted(len(self), 'problem')}:\n  - {listed}")
