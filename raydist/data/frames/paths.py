"""The paths of many frames as one column: a text object for each of millions would take gigabytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import pyarrow as pa
import pyarrow.compute as pc

from raydist.data.tracklets import TrackletTable

_AT_ONCE = 1 << 16


class FramePaths(Sequence[str]):
    """The paths [F] of all frames of a table, tracklet after tracklet; the column itself, not a copy.

    >>> FramePaths(pa.array(["a/1.jpg", "a/2.jpg"]))[1]
    'a/2.jpg'
    """

    def __init__(self, column: pa.StringArray) -> None:
        self._column = column

    @classmethod
    def of(cls, table: TrackletTable) -> FramePaths:
        """Those of a table."""
        return cls(pc.list_flatten(table.table["frames"].combine_chunks()))

    def __len__(self) -> int:
        return len(self._column)

    def __arrow_array__(self, type: pa.DataType | None = None) -> pa.StringArray:
        """The column, for ``pa.array``."""
        return self._column

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self._column.slice(start, _AT_ONCE).to_pylist()

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> FramePaths: ...

    def __getitem__(self, place: int | slice) -> str | FramePaths:
        if isinstance(place, slice):
            return FramePaths(self._column[place])
        return str(self._column[int(place)].as_py())
