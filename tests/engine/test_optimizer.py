import pytest

from raydist.engine.optimizer import learning_rate


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
def test_the_learning_rate_stays_within_bounds(schedule):
    rates = [learning_rate(schedule, p / 100) for p in range(100)]
    assert 0 < min(rates) <= max(rates) <= 1


def test_cosine_rises_then_falls():
    assert learning_rate("cosine", 0.0) < learning_rate("cosine", 0.06) > learning_rate("cosine", 0.99)
