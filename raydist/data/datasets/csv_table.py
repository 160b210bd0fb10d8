"""A CSV file as spreadsheets and programs write it, as a table of text."""

from __future__ import annotations

import csv
import errno
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from raydist.data.file_kinds import file_kind
from raydist.data.headings import SYNONYMS, normal_heading
from raydist.data.table_problems import quoted
from raydist.errors import DataError
from raydist.opening import TEXT_BYTES, read_whole
from raydist.types import Ints

DELIMITERS = (",", ";", "\t")
_LARGEST = 2**31 - 1
_AS_UTF8 = "save it as 'CSV UTF-8'"
_NO_CONTENT = ' \t;,"\r\n\f\x1a'
_FIRST_ROWS = re.compile(r'\A(?:[ \t;,"\f]*(?:\r\n|\r|\n))+')
"""Rows without content before the headings."""
_LOOKED_AT = 20
"""Rows in which the headings are looked for."""
_NAMED_DELIMITER = re.compile(r'\A"?sep=(?P<delimiter>[^\r\n])"?[ \t;,]*(?:\r\n|\r|\n)', re.IGNORECASE)
"""The line that names the delimiter to Excel; it does not count as a row there."""


@dataclass(frozen=True)
class CsvTable:
    """The rows of a CSV file.

    Attributes:
        headings: [C], as they stand there.
        columns: [C] of string [N], without blanks at both ends.
        numbers: int64 [N], which row of the file each is; the headings are row 1, and rows without content
            count but are not among the rows.
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
        content = read_whole(file, most=TEXT_BYTES)
    except OSError as error:
        fix = "; write the manifest as Parquet" if error.errno == errno.EFBIG else ""
        raise DataError(f"{file}: cannot be read ({error.strerror}){fix}") from None
    text = _FIRST_ROWS.sub("", _decoded(content, file).lstrip("\ufeff"))
    delimiter = None
    if named := _NAMED_DELIMITER.match(text):
        delimiter, text = _checked_delimiter(named["delimiter"], file), text[named.end() :]
        text = _FIRST_ROWS.sub("", text)
    if not text.strip(_NO_CONTENT):
        raise DataError(f"{file}: the file is empty; the first row must have the headings")
    if not delimiter:
        delimiter = _delimiter(text, wanted, file)
    encoded = text.encode() + b"\n"  # a row alone is none for Arrow without its end
    if len(encoded) >= _LARGEST:
        raise DataError(f"{file}: {len(encoded):,} bytes are too many for CSV; write the manifest as Parquet")
    return _parsed(encoded, delimiter, file)


def _decoded(content: bytes, file: Path) -> str:
    kind = file_kind(content)
    if kind:
        raise DataError(f"{file}: not a readable CSV file, this is {kind}; {_AS_UTF8}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file}: not a readable CSV file, byte {content[error.start]:#04x} in line {line} is not UTF-8; "
            f"{_AS_UTF8}"
        ) from None


def _checked_delimiter(delimiter: str, file: Path) -> str:
    if delimiter not in DELIMITERS:
        raise DataError(f"{file}: its first line names the delimiter {delimiter!r}: expected , ; or a tab")
    return delimiter


def _delimiter(text: str, wanted: Collection[str], file: Path) -> str:
    """The delimiter under which most headings are known; of equal ones the first."""
    known = set(wanted).union(*(SYNONYMS.get(name, ()) for name in wanted))
    lines = text.split("\n" if "\n" in text else "\r", _LOOKED_AT)[:_LOOKED_AT]

    def num_known(delimiter: str, line: str) -> int:
        try:
            row = next(csv.reader([line.rstrip("\r")], delimiter=delimiter), [])
        except csv.Error:
            return 0
        return len({normal_heading(cell) for cell in row} & known)

    best = max(DELIMITERS, key=lambda delimiter: num_known(delimiter, lines[0]))
    if not num_known(best, lines[0]):
        below = [
            row for row, line in enumerate(lines) if any(num_known(mark, line) > 1 for mark in DELIMITERS)
        ]
        fix = (
            f"remove the rows above {quoted(lines[below[0]].strip())}"
            if below
            else "separate them by , ; or tabs"
        )
        raise DataError(
            f"{file}: the first row is {quoted(lines[0].strip())} and has none of the headings "
            f"{', '.join(wanted)}; {fix}"
        )
    return best


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
                delimiter=delimiter,
                newlines_in_values=True,
                invalid_row_handler=note,
                ignore_empty_lines=False,  # they have numbers too
            ),
            # The headings are among the values, so a column that has a heading is text.
            convert_options=pa.csv.ConvertOptions(null_values=[], strings_can_be_null=False),
        )
    except pa.ArrowException as error:
        raise DataError(f"{file}: not a readable CSV file ({error})") from None
    places = np.arange(1, table.num_rows + len(ragged) + 1)
    numbers = np.setdiff1d(places, [row.number for row in ragged])
    columns = [pc.utf8_trim_whitespace(column.cast(pa.string())) for column in table.columns]
    problems = [_ragged(row) for row in ragged if row.text.strip(_NO_CONTENT)]
    headings = [column[0].as_py() for column in columns]
    with_content = np.zeros(table.num_rows, bool)
    for column in columns:
        with_content |= pc.not_equal(column, "").to_numpy()
    with_content[0] = False
    return CsvTable(
        headings, [column.filter(with_content) for column in columns], numbers[with_content], problems
    )


def _ragged(row: pa.csv.InvalidRow) -> str:
    if "\0" in row.text:
        return f"row {row.number}: NUL characters, {quoted(row.text)}; the file is damaged"
    fix = "a cell that contains the delimiter needs quotation marks"
    if row.actual_columns < row.expected_columns and re.search(r"[\r\n]", row.text):
        fix = "a quotation mark is not closed"
    cells = "1 cell" if row.actual_columns == 1 else f"{row.actual_columns} cells"
    return f"row {row.number} has {cells}, the headings are {row.expected_columns}: {quoted(row.text)}; {fix}"
