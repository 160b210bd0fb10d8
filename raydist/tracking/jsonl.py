"""A file of JSON objects, one on each line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raydist.errors import CheckpointError
from raydist.json_values import parse_json
from raydist.storage import SHARED, append_whole, read_bytes, write_whole

Row = Mapping[str, Any]


class JsonLines:
    """Rows in a file.

    A row is added at the end, and other changes make a new file beside the old one, so that rows are never
    lost.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[dict[str, Any]]:
        """All rows; none if there is no file. A last line that a crash cut off is ignored.

        Raises:
            CheckpointError: another line is damaged, or the file cannot be read.
        """
        *whole, last = self._content().split(b"\n")
        rows = [self._row(line, number) for number, line in enumerate(whole, start=1) if line.strip()]
        try:
            return [*rows, parse_json(last)]
        except ValueError:
            return rows

    def append(self, row: Row) -> None:
        """Append a row.

        Raises:
            CheckpointError: an earlier row is damaged.
            StorageError: it cannot be written.
        """
        self.replace([*self.rows(), row])

    def replace(self, rows: Sequence[Row]) -> None:
        """Make these all rows; what stands there already is not written again.

        Raises:
            StorageError: they cannot be written; those that were there still are.
        """
        before, wanted = self._content(), "".join(json.dumps(row) + "\n" for row in rows).encode()
        if wanted.startswith(before):
            append_whole(self.path, wanted[len(before) :])
        else:
            write_whole(self.path, wanted, mode=SHARED)

    def _content(self) -> bytes:
        there = os.path.lexists(self.path)
        return read_bytes(self.path, error=CheckpointError) if there else b""

    def _row(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row: dict[str, Any] = parse_json(line)
        except ValueError as error:
            raise CheckpointError(
                f"{self.path} is damaged (line {number}, {error}): restore it from a copy, or remove "
                "that line"
            ) from None
        return row
