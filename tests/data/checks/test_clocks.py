import numpy as np
import pyarrow as pa
import pytest

from raydist.data.checks.clocks import Clocks, clocks
from raydist.data.tracklets import TrackletTable


@pytest.fixture
def timed(table_of):
    """`timed(*times)`: tracklets of cameras a, b, c ... that begin then."""

    def make(*times):
        rows = [("train", "visible", "abcdef"[row], None, [f"{row}.jpg"]) for row in range(len(times))]
        table = table_of(*rows)
        return TrackletTable(table.table.append_column("time", pa.array(times, pa.float64())), table.root)

    return make


def test_one_clock(timed):
    assert clocks(timed(3.0, None, 1.5)) == Clocks(2, 1.5, 3.0, [], ["a", "c"])
    found = clocks(timed(1772353800.0, 1772353801.0))
    assert found == Clocks(2, 1772353800.0, 1772353801.0, ["a", "b"], [])
    assert not found.are_mixed


def test_two_clocks(timed):
    found = clocks(timed(1772353800.0, 7.0, np.nan))
    assert (found.unix_time, found.other) == (["a"], ["b"])
    assert found.are_mixed


def test_no_times(timed, table_of):
    without = Clocks(0, None, None, [], [])
    assert clocks(timed(None)) == without
    assert clocks(table_of(("train", "visible", "a", None, ["1.jpg"]))) == without
