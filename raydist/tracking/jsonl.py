"""A file of JSON objects, one on each line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyarrow import fs

Row = Mapping[str, Any]


class JsonLines:
    """Rows in a file on any file system that pyarrow supports.

    Every change writes the whole file again, so it is meant for small files.
    """

    def __init__(self, filesystem: fs.FileSystem, path: str) -> None:
        self.fs, self.path = filesystem, path

    def rows(self) -> list[dict[str, Any]]:
        """All rows; none if there is no file. A last line that a crash cut off is ignored."""
        if self.fs.get_file_info(self.path).type != fs.FileType.File:
            return []
        with self.fs.open_input_stream(self.path) as stream:
            lines = stream.read().decode().splitlines()
        rows = []
        for line in lines:
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return rows

    def append(self, row: Row) -> None:
        """Append a row."""
        self.replace([*self.rows(), row])

    def replace(self, rows: Sequence[Row]) -> None:
        """Replace all rows by these."""
        with self.fs.open_output_stream(self.path) as stream:
            stream.write("".join(json.dumps(row) + "\n" for row in rows).encode())
