import numpy as np
import pytest

from raydist.engine.spread import MeanAndSpread, nested
from raydist.tracking.tracker import flatten


def test_the_spread_is_that_of_a_sample_and_needs_two_values():
    values = np.random.default_rng(0).normal(50, 3, 10)
    figure = MeanAndSpread.of(values.tolist())
    assert figure.mean == pytest.approx(values.mean())
    assert figure.spread == pytest.approx(np.sqrt(((values - values.mean()) ** 2).sum() / 9))
    assert MeanAndSpread.of([2.0]) == MeanAndSpread(2.0, None)


def test_paths_become_the_tree_that_they_came_from():
    tree = {"last": {"v_to_i": {"map": 1.0, "rank1": 2.0}, "i_to_v": {"map": 3.0}}, "seconds": 4.0}
    assert nested(dict(flatten(tree))) == tree
