"""Casts against a slow oracle: Python's own values, whatever the Arrow type."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from raydist.data.columns import text_column, text_lists, vectors, whole_numbers
from raydist.data.table_problems import TableProblems
from raydist.errors import DataError

WIDTHS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
TEXTS = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.large_string())]
LISTS = [pa.list_, pa.large_list, pa.list_view, pa.large_list_view]


def chunked(values, kind):
    """The values in three chunks, one of them empty."""
    chunks = [pa.array(part, kind) for part in (values[:1], [], values[1:])]
    return pa.chunked_array(chunks, kind)


def cast(function, column):
    problems = TableProblems()
    result = function(column, "x", problems)
    problems.refuse("table")
    return result


@pytest.mark.parametrize("kind", [*TEXTS, pa.binary(), pa.large_binary(), pa.binary_view()])
def test_text_of_any_type(kind):
    values = ["a", "行 1", "", None]
    stored = [text.encode() if text is not None and "binary" in str(kind) else text for text in values]
    result = cast(text_column, chunked(stored, kind))
    assert result.type == pa.string()
    assert result.to_pylist() == values


@pytest.mark.parametrize("kind", [*WIDTHS, pa.float16(), pa.float32(), pa.float64(), pa.decimal128(9, 2)])
def test_whole_numbers_become_text_without_a_point(kind):
    assert cast(text_column, chunked([7, None, 12], kind)).to_pylist() == ["7", None, "12"]


def test_other_numbers_become_text_as_they_are():
    assert cast(text_column, chunked([1.5, np.nan, 1e300], pa.float64())).to_pylist() == [
        "1.5",
        None,
        "1e+300",
    ]
    assert cast(text_column, chunked([Decimal("2.50")], pa.decimal128(5, 2))).to_pylist() == ["2.50"]
    assert cast(text_column, chunked([True, None], pa.bool_())).to_pylist() == ["true", None]


def test_runs_extension_types_and_null_columns():
    runs = pa.chunked_array([pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"])])
    assert cast(text_column, runs).to_pylist() == ["a", "a", "b"]
    uuids = pa.chunked_array([pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(["1"]))])
    assert cast(text_column, uuids).to_pylist() == ["1"]
    for function in (text_column, whole_numbers, text_lists):
        assert cast(function, chunked([None, None], pa.null())).to_pylist() == [None, None]


@pytest.mark.parametrize("kind", [*WIDTHS, pa.float16(), pa.float32(), pa.float64(), pa.decimal128(9, 2)])
def test_whole_numbers_of_any_type(kind):
    result = cast(whole_numbers, chunked([100, None, 3], kind))
    assert result.type == pa.int64()
    assert result.to_pylist() == [100, None, 3]


def test_nan_is_no_number():
    assert cast(whole_numbers, chunked([2.0, np.nan], pa.float64())).to_pylist() == [2, None]


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([1.0, 2.5], pa.float64(), r"column x: 2\.5 in row 1 is no whole number"),
        ([1.0, np.inf], pa.float32(), "column x: inf in row 1 is no whole number"),
        ([1.0, 1e19], pa.float64(), r"column x: 1e\+19 in row 1"),
        ([2**63, 1], pa.uint64(), "column x: 9223372036854775808 in row 0"),
        ([Decimal("1.00"), Decimal("0.25")], pa.decimal128(9, 2), r"column x: 0\.25 in row 1"),
        (["1", "2"], pa.string(), r"column x: type string \(the first value is '1'\)"),
        ([True, False], pa.bool_(), "column x: type bool"),
    ],
)
def test_numbers_that_would_be_lost_are_named(values, kind, message):
    with pytest.raises(DataError, match=message):
        cast(whole_numbers, chunked(values, kind))


@pytest.mark.parametrize("of", LISTS)
@pytest.mark.parametrize("text", TEXTS)
def test_lists_of_text_of_any_type(of, text):
    values = [["a", "b"], None, [], ["c", None]]
    result = cast(text_lists, chunked(values, of(text)))
    assert result.type == pa.list_(pa.string())
    assert result.to_pylist() == values


def test_lists_of_one_length():
    assert cast(text_lists, chunked([["a"], ["b"]], pa.list_(pa.string(), 1))).to_pylist() == [["a"], ["b"]]


@pytest.mark.parametrize("function", [text_column, text_lists, vectors])
def test_types_that_say_something_else_are_named(function):
    with pytest.raises(DataError, match=r"column x: type struct<a: int64> \(the first value is"):
        cast(function, chunked([{"a": 1}, None], pa.struct([("a", pa.int64())])))


def test_bytes_that_are_no_text_are_named():
    with pytest.raises(DataError, match=r"column x: bytes that are not UTF-8 in row 2"):
        cast(text_column, chunked([b"a", None, b"\xff"], pa.binary()))


@pytest.mark.parametrize("of", [*LISTS, lambda kind: pa.list_(kind, 2)])
@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64(), pa.int8(), pa.decimal128(4, 2)])
def test_vectors_of_any_type(of, kind):
    if kind == pa.decimal128(4, 2):
        values = [[Decimal("0.25"), Decimal("0.50")], [Decimal("1.00"), Decimal("0.00")]]
    else:
        values = np.array([[0.25, 0.5], [1, 0]]).astype(kind.to_pandas_dtype()).tolist()
    result = cast(vectors, chunked(values, of(kind)))
    assert result.dtype == np.float32
    assert (result == np.array(values, np.float32)).all()


def test_a_slice_of_vectors_is_that_slice():
    column = chunked([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], pa.list_(pa.float32(), 2)).slice(1, 2)
    assert cast(vectors, column).tolist() == [[3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1.0, 0.0], None], "is null in row 1"),
        ([[1.0, 0.0], [1.0], [0.0, 1.0]], "1 numbers in row 1, 2 in most rows"),
        ([[1.0, 0.0], [1.0, None], [None, 1.0]], "has null values in rows 1, 2"),
    ],
)
@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64())])
def test_vectors_with_gaps_are_named(values, kind, message):
    with pytest.raises(DataError, match=f"column x.* {message}|column x: {message}"):
        cast(vectors, chunked(values, kind))


@pytest.mark.parametrize(
    "kind", [pa.decimal32(5, 0), pa.decimal64(12, 1), pa.decimal128(20, 0), pa.decimal256(50, 0)]
)
def test_whole_decimals_of_any_width_are_whole_numbers(kind):
    column = pa.chunked_array([pa.array([Decimal(1), None, Decimal(7)], kind)])
    assert whole_numbers(column, "identity", problems := TableProblems()).to_pylist() == [1, None, 7]
    assert not problems


def test_a_decimal_of_44_digits_is_named():
    column = pa.chunked_array([pa.array([Decimal(1), Decimal("1" * 44)], pa.decimal256(50, 0))])
    whole_numbers(column, "identity", problems := TableProblems())
    with pytest.raises(DataError, match=r"1{44} in row 1 is no whole number of 64 bits"):
        problems.refuse("table")


def test_a_nul_character_is_noted_with_its_row():
    """NumPy drops it at the end of a text, so that two texts would become one."""
    problems = TableProblems(np.array([2, 5, 6]))
    text_column(pa.chunked_array([["a", "a\0", "\0b"]]), "camera", problems)
    with pytest.raises(DataError, match=r"column camera: a NUL character in rows 5, 6, 'a\\x00'; correct it"):
        problems.refuse("table")
