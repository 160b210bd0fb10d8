"""A CSV file as spreadsheets and programs write it, as a table of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from raydist.data.headings import SYNONYMS, normal_heading
from raydist.data.table_problems import quoted
from raydist.errors import DataError
from raydist.types import Ints

DELIMITERS = (",", ";", "\t")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LARGEST = 2**31 - 1
_AS_UTF8 = "save it as 'CSV UTF-8'"


@dataclass(frozen=True)
class CsvTable:
    """The rows of a CSV file.

    Attributes:
        headings: [C], as they stand there.
        columns: [C] of string [N], without blanks at both ends.
        numbers: int64 [N], which row of the file each is; the headings are row 1, empty lines do not count.
        problems: a line for each row that has another number of cells than the headings.
    """

    headings: list[str]
    columns: list[pa.ChunkedArray]
    numbers: Ints
    problems: list[str]


def read_csv(file: Path, wanted: Collection[str]) -> CsvTable:
    """Read a CSV file whose delimiter is not known.

    Args:
        file: in UTF-8, with or without a byte order mark; lines end as on any system.
        wanted: names of columns, by which the delimiter is recognised in the headings.

    Raises:
        DataError: the file cannot be read, is empty, is not UTF-8, or is no CSV.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
    text = _decoded(content, file)
    if not text.strip():
        raise DataError(f"{file}: the file is empty; the first row must have the headings")
    encoded = text.lstrip("\ufeff").encode()
    if len(encoded) >= _LARGEST:
        raise DataError(f"{file}: {len(encoded):,} bytes are too many for CSV; write the manifest as Parquet")
    return _parsed(encoded, _delimiter(text, wanted), file)


def _decoded(content: bytes, file: Path) -> str:
    if content.startswith(b"PK\x03\x04"):
        raise DataError(f"{file}: this is a workbook of a spreadsheet; {_AS_UTF8}")
    if content.startswith(_UTF16) or b"\0" in content[:4]:
        raise DataError(f"{file}: not a readable CSV file, its text is UTF-16; {_AS_UTF8}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file}: not a readable CSV file, byte {content[error.start]:#04x} in line {line} is not UTF-8; "
            f"{_AS_UTF8}"
        ) from None


def _delimiter(text: str, wanted: Collection[str]) -> str:
    """The delimiter under which most headings are known; of equal ones the first."""
    known = set(wanted).union(*(SYNONYMS.get(name, ()) for name in wanted))
    line = next(line for line in text.splitlines() if line.strip())

    def num_known(delimiter: str) -> int:
        try:
            row = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return 0
        return len({normal_heading(cell) for cell in row} & known)

    return max(DELIMITERS, key=num_known)


def _parsed(encoded: bytes, delimiter: str, file: Path) -> CsvTable:
    ragged: list[pa.csv.InvalidRow] = []

    def note(row: pa.csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = pa.csv.read_csv(
            io.BytesIO(encoded),
            # One block, so that a row may be of any length; in order, so that rows are numbered.
            read_options=pa.csv.ReadOptions(
                use_threads=False, block_size=len(encoded) + 1, autogenerate_column_names=True
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note
            ),
            # The headings are among the values, so a column that has a heading is text.
            convert_options=pa.csv.ConvertOptions(null_values=[], strings_can_be_null=False),
        )
    except pa.ArrowException as error:
        raise DataError(f"{file}: not a readable CSV file ({error})") from None
    columns = [pc.utf8_trim_whitespace(column.cast(pa.string())) for column in table.columns]
    places = np.arange(1, table.num_rows + len(ragged) + 1)
    numbers = np.setdiff1d(places, [row.number for row in ragged])
    return CsvTable(
        headings=[column[0].as_py() for column in columns],
        columns=[column.slice(1) for column in columns],
        numbers=numbers[1:],
        problems=[_ragged(row) for row in ragged],
    )


def _ragged(row: pa.csv.InvalidRow) -> str:
    return (
        f"row {row.number} has {row.actual_columns} cells, the headings are {row.expected_columns}: "
        f"{quoted(row.text)}; a cell that contains the delimiter needs quotation marks"
    )
