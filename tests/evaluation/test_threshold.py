import numpy as np
import pytest

from raydist.errors import DataError
from raydist.evaluation.threshold import equal_error_threshold


def rates(threshold, same, different):
    """By counting pair by pair."""
    false = sum(value >= threshold for value in different) / len(different)
    missed = sum(value < threshold for value in same) / len(same)
    return false, missed


@pytest.mark.parametrize("seed", range(8))
def test_no_other_threshold_has_errors_that_are_more_nearly_equal(seed):
    rng = np.random.default_rng(seed)
    same = rng.normal(0.6, 0.2, rng.integers(1, 60)).round(2)
    different = rng.normal(0.1, 0.3, rng.integers(1, 90)).round(2)
    chosen = equal_error_threshold(same, different)
    assert (chosen.false_matches, chosen.missed) == pytest.approx(rates(chosen.similarity, same, different))
    gap = abs(chosen.false_matches - chosen.missed)
    for other in same.tolist():
        false, missed = rates(other, same, different)
        assert gap <= abs(false - missed) + 1e-9


def test_what_can_be_told_apart_has_no_errors():
    chosen = equal_error_threshold(np.array([0.7, 0.9]), np.array([0.1, 0.6]))
    assert (chosen.similarity, chosen.false_matches, chosen.missed) == (0.7, 0.0, 0.0)


def test_one_kind_of_pairs_is_not_enough():
    for same, different in (([], [0.1]), ([0.1], [])):
        with pytest.raises(DataError, match="needs both kinds"):
            equal_error_threshold(np.array(same), np.array(different))
