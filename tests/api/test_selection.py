from dataclasses import replace

import numpy as np
import pytest

from raydist.api.selection import Selection, row_of
from raydist.errors import ConfigError, DataError
from raydist.types import FeatureTable, Modality


@pytest.fixture
def table():
    features = np.eye(4, dtype=np.float32)
    names, cameras = np.array(["a", "b", "c", "d"]), np.array(["k", "k", "l", "m"])
    return FeatureTable(features, names, np.array([0, 1, 0, 1], np.int8), cameras)


def test_rows_are_all_that_fit(table):
    assert Selection().rows(table).tolist() == [0, 1, 2, 3]
    assert Selection(Modality.INFRARED).rows(table).tolist() == [1, 3]
    assert Selection(cameras=("k", "m")).rows(table).tolist() == [0, 1, 3]
    assert Selection(Modality.VISIBLE, ("k",)).rows(table).tolist() == [0]
    assert row_of(table, "c") == 2


def test_rows_of_a_time_begin_in_it(table):
    timed = replace(table, time=np.array([1.0, 2.0, np.nan, 3.0]))
    assert Selection().rows(timed).tolist() == [0, 1, 2, 3]
    assert Selection(after=2.0).rows(timed).tolist() == [1, 3]
    assert Selection(before=3.0).rows(timed).tolist() == [0, 1]
    assert Selection(Modality.INFRARED, after=1.0, before=3.0).rows(timed).tolist() == [1]
    with pytest.raises(DataError, match=r"no tracklet is after 2\.5 s and before 3 s: there is nothing"):
        Selection(after=2.5, before=3.0).rows(timed)


@pytest.mark.parametrize("time", [None, np.full(4, np.nan)])
@pytest.mark.parametrize("period", [{"after": 0.0}, {"before": 9.0}])
def test_a_time_where_none_is_known(table, time, period):
    with pytest.raises(ConfigError, match="do not say when their tracklets begin: give the"):
        Selection(**period).rows(replace(table, time=time))


def test_what_is_not_there_is_named(table):
    with pytest.raises(ConfigError, match=r"no camera 'x'.*k, l, m"):
        Selection(cameras=("x",)).rows(table)
    with pytest.raises(ConfigError, match="do not say of which split"):
        Selection(split="gallery").rows(table)
    with pytest.raises(DataError, match="no tracklet is visible and of camera m"):
        Selection(Modality.VISIBLE, ("m",)).rows(table)
    with pytest.raises(ConfigError, match="no tracklet 'e'"):
        row_of(table, "e")
