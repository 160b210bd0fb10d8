"""Times of tracklets: numbers, dates and timestamps in any type as seconds on one clock."""

import datetime as dates
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.data.table_problems import TableProblems
from raydist.data.times import parse_time, time_column, time_text
from raydist.errors import DataError

MORNING = 1772353800.0  # 2026-03-01 08:30 in UTC
ZONES = [None, dates.UTC, dates.timezone(dates.timedelta(hours=-7, minutes=-30))]


@given(st.datetimes(), st.sampled_from(ZONES))
def test_dates_are_seconds_since_1970(date, zone):
    aware = date.replace(tzinfo=zone or dates.UTC)
    seconds = (aware - dates.datetime(1970, 1, 1, tzinfo=dates.UTC)) / dates.timedelta(seconds=1)
    assert parse_time(date.replace(tzinfo=zone).isoformat()) == pytest.approx(seconds, abs=1e-5)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_themselves(number):
    assert parse_time(repr(number)) == number


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-01T08:30:00Z", MORNING),
        (" 2026-03-01 08:30 ", MORNING),
        ("2026-03-01T09:30:00.250+01:00", MORNING + 0.25),
        ("2026-03-01", MORNING - 8.5 * 3600),
        ("-1", -1.0),
        (".5", 0.5),
        ("20260301", 20260301.0),
    ],
)
def test_texts(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "08:30", "1_0", "12,5", "nan", "inf", "1e999", "2026-02-30", "٣"]
)
def test_what_is_no_time(text):
    with pytest.raises(DataError, match=r"expected seconds, or a date|too large"):
        parse_time(text)


@pytest.mark.parametrize(
    ("column", "seconds"),
    [
        (pa.array([3, None], pa.int32()), [3.0, None]),
        (pa.array([0.25, np.nan]), [0.25, None]),
        (pa.array([Decimal("1.5")]), [1.5]),
        (pa.array(["7", "", "n/a", "-1", "2026-03-01T08:30"]), [7.0, None, None, -1.0, MORNING]),
        (pa.array(["7", None]).dictionary_encode(), [7.0, None]),
        (pa.nulls(2), [None, None]),
        (pa.array([dates.datetime(2026, 3, 1, 8, 30)], pa.timestamp("ns")), [MORNING]),
        (pa.array([dates.datetime(2026, 3, 1, 8, 30)], pa.timestamp("s", "Europe/Berlin")), [MORNING]),
        (pa.array([dates.date(1970, 1, 2)], pa.date32()), [86400.0]),
        (pa.array([dates.date(1970, 1, 2)], pa.date64()), [86400.0]),
    ],
)
def test_columns_of_any_type(column, seconds):
    problems = TableProblems()
    assert time_column(pa.chunked_array([column]), problems).to_pylist() == seconds
    assert not problems


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array(["7", "noon", "8", "late"]), "column time: 'noon' in rows 1, 3 is no time; write seconds"),
        (pa.array([1.0, np.inf]), "column time: infinite in row 1"),
        (pa.array([True]), "column time: type bool is no time"),
        (pa.array([dates.time(8, 30)]), r"column time: type time64\[us\] is no time"),
    ],
)
def test_what_cannot_be_read_is_named(column, message):
    problems = TableProblems()
    assert time_column(pa.chunked_array([column]), problems) is None
    with pytest.raises(DataError, match=message):
        problems.refuse("the table")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (MORNING, "2026-03-01 08:30:00Z"),
        (MORNING + 0.5, "2026-03-01 08:30:00.500Z"),
        (0.0, "0 s"),
        (-12.3456, "-12.346 s"),
        (1e300, "1e+300 s"),
        (float("nan"), ""),
    ],
)
def test_times_in_words(seconds, text):
    assert time_text(seconds) == text
