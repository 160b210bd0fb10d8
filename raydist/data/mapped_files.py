"""Arrays and tables on the disk that several processes map: one copy in the memory of a machine, and only
of what is read."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
from numpy.typing import NDArray

from raydist.opening import check_file, open_file

_TEXTS_AT_ONCE = 1 << 16


class Digest(Protocol):
    """A running digest, as those of `hashlib`."""

    def update(self, data: Any, /) -> None:
        """Add bytes."""


def write_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as ``NAME.npy`` into a folder that is there."""
    for name, array in arrays.items():
        with (folder / f"{name}.npy").open("wb") as file:
            np.save(file, array, allow_pickle=False)


def mapped_array(file: Path) -> NDArray[Any]:
    """An array of the disk, which cannot be written to.

    Raises:
        OSError: the file is missing, or no regular file.
        ValueError: it holds no whole array.
    """
    check_file(file)
    return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))


def text_of_path(path: Path) -> str:
    """A path as a text for JSON, whatever bytes it is made of.

    >>> path_of_text(text_of_path(Path("/a/é"))) == Path("/a/é")
    True
    """
    return os.fsencode(path).decode("latin-1")


def path_of_text(text: str) -> Path:
    """The path of `text_of_path`."""
    return Path(os.fsdecode(text.encode("latin-1")))


def update_by_texts(digest: Digest, texts: pa.Array | pa.ChunkedArray) -> None:
    """Add texts, of which some may be null, to a digest."""
    column = pc.fill_null(texts, "\0")  # which no text has
    table = pa.table({"text": column}).combine_chunks()  # so that it does not matter how they come
    for batch in table.to_batches(_TEXTS_AT_ONCE):
        digest.update(batch.serialize())


def write_table(table: pa.Table, file: Path) -> None:
    """Write a table as an Arrow file, uncompressed so that it can be mapped, and each column in one piece."""
    with file.open("wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def mapped_texts(file: Path, name: str) -> pa.StringArray:
    """A column of texts of a table of the disk, in one piece.

    Raises:
        OSError: the file is missing, or no regular file.
        ValueError: it holds no whole table with such a column, or one of more than Arrow takes as one piece.
    """
    column = mapped_table(file)[name]
    if column.num_chunks != 1:
        raise ValueError(f"{file}: column {name} in {column.num_chunks} pieces, expected one")
    return column.chunk(0)


def mapped_table(file: Path) -> pa.Table:
    """A table of the disk; its columns are parts of the file.

    Raises:
        OSError: the file is missing, or no regular file.
        ValueError: it holds no whole table.
    """
    with open_file(file) as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    table = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped))).read_all()
    table.validate(full=True)  # else what is damaged is read beyond its end
    return table
