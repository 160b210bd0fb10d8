"""A file of JSON objects, one a line, that can be cut back; never half a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyarrow import fs

Row = Mapping[str, Any]


class JsonLines:
    """Rows in a file of any file system that pyarrow knows. The file is written anew each time, so it stays small."""

    def __init__(self, filesystem: fs.FileSystem, path: str) -> None:
        self.fs, self.path = filesystem, path

    def rows(self) -> list[dict[str, Any]]:
        """All rows; none when there is no file. A last line that was cut off by a crash is left out."""
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
        """Add a row."""
        self.replace([*self.rows(), row])

    def replace(self, rows: list[Any]) -> None:
        """Make these the rows."""
        with self.fs.open_output_stream(self.path) as stream:
            stream.write("".join(json.dumps(row) + "\n" for row in rows).encode())
