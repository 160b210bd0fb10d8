import pytest

from raydist.engine.paired_difference import PairedDifference


def test_the_interval_is_that_of_students_t():
    """Of the differences 1, 2, 3: mean 2, deviation 1, and 4.3027 for two degrees of freedom."""
    found = PairedDifference.of({0: 1.0, 1: 2.0, 2: 3.0}, {0: 0.0, 1: 0.0, 2: 0.0})
    assert (found.mean, found.num_seeds) == (2.0, 3)
    assert found.half_width == pytest.approx(4.302653 / 3**0.5, rel=1e-5)


def test_seeds_that_one_has_alone_do_not_count():
    assert PairedDifference.of({0: 1.0}, {1: 1.0}) is None
    assert PairedDifference.of({0: 1.0, 3: 4.0}, {3: 2.0}) == PairedDifference(2.0, None, 1)
