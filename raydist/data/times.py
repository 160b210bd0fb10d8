"""When tracklets begin: seconds on one clock, read from numbers and from dates with a time of day.

The clock is that of Unix (seconds since 1970 in UTC), or one that starts with the recording. A date without a
zone is read as UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raydist.data.columns import is_number, is_text, plain_column, text_column
from raydist.data.identities import UNKNOWN_WORDS
from raydist.data.table_problems import TableProblems, quoted
from raydist.errors import DataError

EXPECTED_TIME = "seconds, or a date and time such as 2026-03-01T08:30:00"
"""What `parse_time` takes, in words."""

FIRST_DATE = 100_000_000.0
"""Seconds from which on a time is shown as a date, in 1973: no recording is three years long."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_DAY = re.compile(r"(19[7-9]|20[0-9])[0-9](0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNKNOWN = frozenset(UNKNOWN_WORDS) - {"-1"}
_IN_A_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def parse_time(text: str) -> float:
    """The seconds that a text says.

    Args:
        text: a number, or a date with or without a time of day in the form of ISO 8601.

    Raises:
        DataError: it is neither, or too large.

    >>> parse_time("12.5"), parse_time("1970-01-01T01:00:00+01:00"), parse_time("1970-01-02")
    (12.5, 0.0, 86400.0)
    """
    plain = text.strip()
    try:
        seconds = float(plain) if _NUMBER.fullmatch(plain) else _seconds(datetime.fromisoformat(plain))
    except (ValueError, OverflowError):
        raise DataError(f"{quoted(text)}: expected {EXPECTED_TIME}") from None
    if not np.isfinite(seconds):
        raise DataError(f"{quoted(text)}: too large for a number of seconds")
    return seconds


def asked_time(text: str) -> float:
    """The seconds that a person asks for, see `parse_time`.

    Raises:
        DataError: it is no time, or a day without dashes, which would be taken for seconds.

    >>> asked_time("20260301")
    Traceback (most recent call last):
    raydist.errors.DataError: '20260301': for a day write 2026-03-01, for seconds 20260301.0
    """
    if _DAY.fullmatch(plain := text.strip()):
        day = f"{plain[:4]}-{plain[4:6]}-{plain[6:]}"
        raise DataError(f"{quoted(text)}: for a day write {day}, for seconds {plain}.0")
    return parse_time(text)


def time_text(seconds: float) -> str:
    """A time as people read it: Unix time as a date in UTC, small numbers as seconds.

    >>> time_text(1772353800.5), time_text(12.25), time_text(float("nan"))
    ('2026-03-01 08:30:00.500Z', '12.25 s', '')
    """
    if np.isnan(seconds):
        return ""
    try:
        date = _EPOCH + timedelta(seconds=seconds) if seconds >= FIRST_DATE else None
    except OverflowError:
        date = None
    if date is None:
        return f"{round(seconds, 3):.15g} s"
    digits = "milliseconds" if date.microsecond else "seconds"
    return date.replace(tzinfo=None).isoformat(" ", digits) + "Z"


def time_column(column: pa.ChunkedArray, problems: TableProblems) -> pa.ChunkedArray | None:
    """A column of times as seconds.

    Args:
        column: numbers, dates or timestamps of any Arrow type (those without a zone are UTC), text as
            `parse_time` takes it, or null alone.
        problems: where what cannot be read goes.

    Returns:
        double [N], null where a time is not known; None where the column cannot be read.

    >>> time_column(pa.chunked_array([["7", "", "1970-01-01T00:01"]]), TableProblems()).to_pylist()
    [7.0, None, 60.0]
    """
    column = plain_column(column)
    kind = column.type
    if pa.types.is_date(kind):
        return time_column(column.cast(pa.timestamp("ms")), problems)
    if pa.types.is_timestamp(kind):
        return pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), _IN_A_SECOND[kind.unit])
    if is_number(kind):
        return _finite(column, problems)
    if is_text(kind) or pa.types.is_null(kind):
        return _of_texts(column, problems)
    problems.add(f"column time: type {kind} is no time; write {EXPECTED_TIME}")
    return None


def _seconds(date: datetime) -> float:
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return (aware - _EPOCH).total_seconds()


def _finite(column: pa.ChunkedArray, problems: TableProblems) -> pa.ChunkedArray | None:
    """Numbers without NaN, which is an unknown time, and infinite ones, which are refused."""
    seconds = column.cast(pa.float64(), safe=False)
    infinite = pc.is_inf(seconds)
    if pc.any(infinite).as_py():
        problems.add(f"column time: infinite in {problems.rows(infinite)}; write {EXPECTED_TIME}")
        return None
    return pc.if_else(pc.is_nan(seconds), pa.scalar(None, pa.float64()), seconds)


def _of_texts(column: pa.ChunkedArray, problems: TableProblems) -> pa.ChunkedArray | None:
    texts = text_column(column, "time", problems)
    if texts is None:
        return None
    seconds: list[float | None] = []
    bad = []
    for row, text in enumerate(texts.to_pylist()):
        known = text is not None and text.strip() not in _UNKNOWN
        try:
            seconds.append(parse_time(text) if known else None)
        except DataError:
            bad.append(row)
            seconds.append(None)
    if bad:
        first = quoted(texts[bad[0]].as_py())
        problems.add(f"column time: {first} in {problems.rows(bad)} is no time; write {EXPECTED_TIME}")
        return None
    return pa.chunked_array([seconds], pa.float64())
