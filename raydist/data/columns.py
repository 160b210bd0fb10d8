"""Columns as other programs write them, in the types of this package, as far as nothing is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raydist.data.table_problems import TableProblems, quoted
from raydist.types import Floats

_LARGEST_EXACT = 2**53
"""Above it not every whole number is a float."""


def text_column(column: pa.ChunkedArray, name: str, problems: TableProblems) -> pa.ChunkedArray | None:
    """A column as text; a whole number is written without a point.

    Args:
        column: text of any Arrow type, numbers, bool, or null alone.
        name: of the column, for messages.
        problems: where what cannot be read goes.

    Returns:
        string [N], null and NaN as null; None where nothing can be made of the column. Texts with a NUL
        character are noted: arrays of NumPy lose it at their end.

    >>> text_column(pa.chunked_array([[7.0, None]]), "camera", TableProblems()).to_pylist()
    ['7', None]
    """
    texts = _as_text(plain_column(column), name, problems)
    if texts is not None:
        damaged = pc.match_substring(texts, "\0")
        if pc.any(damaged).as_py():
            first = quoted(texts.filter(damaged)[0])
            problems.add(f"column {name}: a NUL character in {problems.rows(damaged)}, {first}; correct it")
    return texts


def whole_numbers(
    column: pa.ChunkedArray, name: str, problems: TableProblems, *, fix: str = "write whole numbers"
) -> pa.ChunkedArray | None:
    """A column of numbers as int64.

    Args:
        column: integers of any width, floats or decimals without a fraction, or null alone.
        name: of the column, for messages.
        problems: where what cannot be read goes.
        fix: what to do about a value that is no whole number.

    Returns:
        int64 [N], null and NaN as null; None if a value is no whole number of 64 bits.

    >>> whole_numbers(pa.chunked_array([[3.0, float("nan")]]), "identity", TableProblems()).to_pylist()
    [3, None]
    """
    column = plain_column(column)
    kind = column.type
    if not (is_number(kind) or pa.types.is_null(kind)):
        problems.add(_of_another_type(column, name, "whole numbers"))
        return None
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_decimal32(kind) or pa.types.is_decimal64(kind):
        column = column.cast(pa.decimal128(kind.precision, kind.scale))  # those have no cast to int64
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        problems.add(_lossy(column, name, problems, fix))
        return None


def text_lists(column: pa.ChunkedArray, name: str, problems: TableProblems) -> pa.ChunkedArray | None:
    """A column of lists of text of any Arrow type as list<string>; None where that cannot be made of it.

    >>> lists = pa.chunked_array([pa.array([["a"], None], pa.large_list(pa.large_string()))])
    >>> str(text_lists(lists, "frames", TableProblems()).type)
    'list<item: string>'
    """
    column = plain_column(column)
    wanted = pa.list_(pa.string())
    if pa.types.is_null(column.type) or (is_list(column.type) and _may_be_text(column.type.value_type)):
        try:
            return column.cast(wanted)
        except pa.ArrowException as error:
            problems.add(f"column {name}: type {column.type} cannot be read as {wanted} ({error})")
            return None
    problems.add(_of_another_type(column, name, "lists of text"))
    return None


def vectors(column: pa.ChunkedArray, name: str, problems: TableProblems) -> Floats | None:
    """A column of lists of numbers as a matrix.

    Args:
        column: lists of any Arrow type with numbers of any width; all of one length.
        name: of the column, for messages.
        problems: where what cannot be read goes.

    Returns:
        float32 [N, D], rounded where the numbers have more digits; None where there is no such matrix.

    >>> vectors(pa.chunked_array([[[0.6, 0.8]]]), "feature", TableProblems()).shape
    (1, 2)
    """
    column = plain_column(column)
    kind = column.type
    if not (is_list(kind) and is_number(kind.value_type)):
        problems.add(_of_another_type(column, name, "lists of numbers"))
        return None
    before = len(problems)
    if column.null_count:
        problems.add(f"column {name} is null in {problems.rows(column.is_null())}; remove these rows")
    if not pa.types.is_fixed_size_list(kind):
        column = column.cast(pa.large_list(kind.value_type))
        _check_lengths(column, name, problems)
    values = pc.list_flatten(column)
    if values.null_count:
        parents = pc.list_parent_indices(column).filter(values.is_null())
        rows = np.unique(parents.to_numpy(zero_copy_only=False))
        problems.add(f"column {name} has null values in {problems.rows(rows)}; remove these rows")
    if len(problems) > before:
        return None
    width = kind.list_size if pa.types.is_fixed_size_list(kind) else len(values) // max(1, len(column))
    if values.type != pa.float32():
        values = values.cast(pa.float64()).cast(pa.float32(), safe=False)
    return values.to_numpy().reshape(len(column), width)


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same values without dictionary, runs, extension type or views."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        chunks = [chunk.storage for chunk in column.chunks]
        return plain_column(pa.chunked_array(chunks, kind.storage_type))
    if pa.types.is_dictionary(kind):
        return plain_column(column.cast(kind.value_type))
    if pa.types.is_run_end_encoded(kind):
        chunks = [pc.run_end_decode(chunk) for chunk in column.chunks]
        return plain_column(pa.chunked_array(chunks, kind.value_type))
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return column.cast(pa.large_binary())
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return pa.chunked_array(
            [_lists_of_views(chunk) for chunk in column.chunks], pa.large_list(kind.value_type)
        )
    return column


def is_number(kind: pa.DataType) -> bool:
    """Whether a type has numbers: integers, floats or decimals."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_list(kind: pa.DataType) -> bool:
    """Whether a type has lists (not views), of one length or of many."""
    of_any_length = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(of_any_length or pa.types.is_fixed_size_list(kind))


def is_text(kind: pa.DataType) -> bool:
    """Whether a type has text, in a dictionary or not."""
    return _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _lists_of_views(views: pa.Array) -> pa.Array:
    """List views as lists; Arrow's own cast (25.0) loses the last list."""
    lengths = pc.fill_null(pc.list_value_length(views), 0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int64())
    mask = views.is_null() if views.null_count else None
    return pa.LargeListArray.from_arrays(offsets, views.flatten(), mask=mask)


def _as_text(column: pa.ChunkedArray, name: str, problems: TableProblems) -> pa.ChunkedArray | None:
    kind = column.type
    if pa.types.is_floating(kind):
        return _texts_of_floats(column.cast(pa.float64()))
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(column.cast(pa.string()), r"\.0*$", "")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _texts_of_bytes(column, name, problems)
    if _is_text(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    problems.add(_of_another_type(column, name, "text"))
    return None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _may_be_text(kind: pa.DataType) -> bool:
    return is_text(kind) or bool(pa.types.is_null(kind))


def _texts_of_floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less_equal(pc.abs(column), _LARGEST_EXACT))
    whole = pc.fill_null(whole, False)
    numbers = pc.if_else(whole, column, 0.0).cast(pa.int64()).cast(pa.string())
    texts = pc.if_else(whole, numbers, column.cast(pa.string()))
    return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.string()), texts)


def _texts_of_bytes(column: pa.ChunkedArray, name: str, problems: TableProblems) -> pa.ChunkedArray | None:
    try:
        return column.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        bad = [row for row, value in enumerate(column.to_pylist()) if not _is_utf8(value)]
        problems.add(
            f"column {name}: bytes that are not UTF-8 in {problems.rows(bad)}, the first are "
            f"{quoted(column[bad[0]].as_py())}; write the column as text"
        )
        return None


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _lossy(column: pa.ChunkedArray, name: str, problems: TableProblems, fix: str) -> str:
    """The problem of values that are not whole, or too large for int64."""
    numbers = column.to_pylist()
    bad = [row for row, number in enumerate(numbers) if number is not None and not _is_int64(number)]
    where = problems.rows(bad)
    return f"column {name}: {numbers[bad[0]]!s} in {where} is no whole number of 64 bits; {fix}"


def _is_int64(number: Any) -> bool:
    return -(2**63) <= number < 2**63 and number == int(number)


def _check_lengths(column: pa.ChunkedArray, name: str, problems: TableProblems) -> None:
    lengths = pc.list_value_length(column).fill_null(-1).to_numpy()
    known = lengths[lengths >= 0]
    if not known.size:
        return
    width = np.bincount(known).argmax()
    other = np.flatnonzero((lengths >= 0) & (lengths != width))
    if other.size:
        problems.add(
            f"column {name}: {lengths[other[0]]} numbers in {problems.rows(other)}, {width} in most rows; "
            "they must agree"
        )


def _of_another_type(column: pa.ChunkedArray, name: str, expected: str) -> str:
    valid = column.drop_null()
    first = f" (the first value is {quoted(valid[0])})" if len(valid) else ""
    return f"column {name}: type {column.type}{first} cannot be read as {expected}; write it as {expected}"
