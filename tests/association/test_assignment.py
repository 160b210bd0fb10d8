import numpy as np
import pytest

from raydist.association.assignment import assign
from raydist.errors import FeatureError


def rows(count, seed, width=8):
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


@pytest.mark.parametrize(("num_rows", "num_columns"), [(0, 3), (3, 0), (1, 1), (40, 60), (60, 40), (50, 50)])
def test_the_auction_pairs_as_the_table_does(num_rows, num_columns):
    left, right = rows(num_rows, 0), rows(num_columns, 1)
    exact = assign(left, right, np.negative, most_pairs=1 << 40)
    near = assign(left, right, np.negative, most_pairs=-1)
    for side, other in zip(exact, near, strict=True):
        assert side.tolist() == other.tolist()


def test_bad_rows_are_refused_by_both():
    for most_pairs in (0, 1 << 22):
        with pytest.raises(FeatureError, match="NaN"):
            assign(rows(3, 0), np.full((3, 8), np.nan, np.float32), np.negative, most_pairs=most_pairs)
        with pytest.raises(FeatureError, match="wide"):
            assign(rows(3, 0), rows(3, 0, width=7), np.negative, most_pairs=most_pairs)
