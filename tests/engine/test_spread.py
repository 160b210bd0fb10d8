import numpy as np
import pytest

from raydist.engine.spread import MeanAndSpread


def test_the_spread_is_that_of_a_sample_and_needs_two_values():
    values = np.random.default_rng(0).normal(50, 3, 10)
    metric = MeanAndSpread.of(values.tolist())
    assert metric.mean == pytest.approx(values.mean())
    assert metric.spread == pytest.approx(np.sqrt(((values - values.mean()) ** 2).sum() / 9))
    assert MeanAndSpread.of([2.0]) == MeanAndSpread(2.0, None)
