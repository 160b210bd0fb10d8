"""Parquet files from whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from raydist.data.file_kinds import file_kind, is_text
from raydist.errors import DataError
from raydist.opening import check_file, open_file

Choice = Callable[[Sequence[str]], Sequence[str]]

_MAGIC = b"PAR1"
_HEAD = 4096
_TAIL = 8
_OTHER_LENGTH = re.compile(r"Expected all lists to be of size=(\d+) but index (\d+) had size=0")
"""What Arrow (25.0) says of a null among lists of one length; the index is that of the row behind it."""


def read_parquet(file: Path, columns: Choice | None = None) -> pa.Table:
    """A whole file, with its text checked to be text.

    Args:
        file: the file.
        columns: chooses those that are read from the names of all; None takes all.

    Raises:
        DataError: the file is missing, truncated, damaged, of another kind, or has null among lists of one
            length.
    """
    try:
        check_file(file)
        parquet = pa.parquet.ParquetFile(file)
        table = parquet.read(None if columns is None else list(columns(parquet.schema_arrow.names)))
        table.validate(full=True)
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{file}: not a readable Parquet file ({_reason(file, error)})") from None
    return table


def _reason(file: Path, error: Exception) -> str:
    """Why a file cannot be read."""
    if isinstance(error, UnicodeEncodeError):
        return "its name is not UTF-8; rename it"
    try:
        content = _both_ends(file)
    except (OSError, ValueError) as refused:
        return str(getattr(refused, "strerror", None) or refused)
    if not content:
        return "it is empty"
    kind = file_kind(content) or ("plain text" if is_text(content[:_HEAD]) else None)
    if kind and not content.startswith(_MAGIC):
        return f"this is {kind}; write the table as Parquet"
    if null := _OTHER_LENGTH.search(str(error)):
        return _null_list(file, int(null[2]) - 1)
    if content.startswith(_MAGIC) and not content.endswith(_MAGIC):
        return "it is cut off, its end is missing"
    return " ".join(str(error).split())


def _both_ends(file: Path) -> bytes:
    """The beginning and the end of a file, or all of it."""
    with open_file(file) as stream:
        content = stream.read(_HEAD)
        stream.seek(max(len(content), file.stat().st_size - _TAIL))
        return content + stream.read(_TAIL)


def _null_list(file: Path, row: int) -> str:
    names = [
        field.name
        for field in pa.parquet.read_schema(file)
        if pa.types.is_fixed_size_list(field.type) and _is_refused(file, field.name)
    ]
    return (
        f"column {' and '.join(names)} is null in row {row}, counted from 0, and Arrow cannot read null "
        "among lists of one length; remove such rows"
    )


def _is_refused(file: Path, column: str) -> bool:
    try:
        pa.parquet.ParquetFile(file).read(columns=[column])
    except pa.ArrowException:
        return True
    return False
