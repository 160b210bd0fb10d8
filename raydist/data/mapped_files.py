"""Arrays and tables on the disk that several processes map: one copy in the memory of a machine, and only
of what is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
from numpy.typing import NDArray

from raydist.opening import check_file


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


def write_table(table: pa.Table, file: Path) -> None:
    """Write a table as an Arrow file, uncompressed so that it can be mapped, and each column in one piece."""
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def mapped_table(file: Path) -> pa.Table:
    """A table of the disk; its columns are parts of the file.

    Raises:
        OSError: the file is missing, or no regular file.
        ValueError: it holds no whole table.
    """
    check_file(file)
    with pa.memory_map(str(file)) as source:
        return pa.ipc.open_file(source).read_all()
