"""A file of JSON objects, one on each line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyarrow import fs

from raydist.errors import CheckpointError
from raydist.json_values import parse_json
from raydist.storage import SHARED, append_whole, read_bytes, write_whole

Row = Mapping[str, Any]


class JsonLines:
    """Rows in a file on any file system that pyarrow supports.

    On a local disk a row is added at the end, and other changes make a new file beside the old one, so that
    rows are never lost. On an object store every change writes the object again, which is there as a whole.
    """

    def __init__(self, filesystem: fs.FileSystem, path: str) -> None:
        self.fs, self.path = filesystem, path

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
        if not isinstance(self.fs, fs.LocalFileSystem):
            with self.fs.open_output_stream(self.path) as stream:
                stream.write(wanted)
        elif wanted.startswith(before):
            append_whole(Path(self.path), wanted[len(before) :])
        else:
            write_whole(Path(self.path), wanted, mode=SHARED)

    def _content(self) -> bytes:
        if isinstance(self.fs, fs.LocalFileSystem):
            there = os.path.lexists(self.path)
            return read_bytes(Path(self.path), error=CheckpointError) if there else b""
        if self.fs.get_file_info(self.path).type == fs.FileType.NotFound:
            return b""
        with self.fs.open_input_stream(self.path) as stream:
            content: bytes = stream.read()
        return content

    def _row(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row: dict[str, Any] = parse_json(line)
        except ValueError as error:
            raise CheckpointError(
                f"{self.path} is damaged (line {number}, {error}): restore it from a copy, or remove "
                "that line"
            ) from None
        return row
