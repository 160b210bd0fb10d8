import numpy as np
import pytest

from raydist.association.ranking import agreed_labels, majority
from raydist.errors import FeatureError
from raydist.types import NOISE


def labels_of(seed, rows, columns):
    """Few different labels, noise among them; more rows than are looked at in one go."""
    return np.random.default_rng(seed).integers(NOISE, 4, (rows, columns))


def agreed(first, last):
    """SDCL's association of one row, label after label."""
    best, chosen = -1, None
    for label in first:
        agreeing = sum(other == label for other in last)
        if agreeing > best:
            best, chosen = agreeing, label
    return chosen


@pytest.mark.parametrize(("columns", "others"), [(1, 1), (5, 5), (3, 8)])
def test_the_label_is_that_of_the_loop(columns, others):
    first, last = labels_of(0, 5000, columns), labels_of(1, 5000, others)
    found = agreed_labels(first, last)
    assert found.tolist() == [agreed(*rows) for rows in zip(first, last, strict=True)]


@pytest.mark.parametrize("columns", [1, 2, 6])
def test_the_majority_is_that_of_the_loop(columns):
    votes = labels_of(2, 5000, columns)
    wanted = [min(set(row), key=lambda label: (-row.count(label), label)) for row in votes.tolist()]
    assert majority(votes).tolist() == wanted


def test_of_equal_labels_the_nearest_counts():
    assert agreed_labels(np.array([[7, 2, 3]]), np.array([[3, 2, 9]])).tolist() == [2]


def test_noise_may_win_and_the_smallest_label_does_among_equals():
    assert majority(np.array([[2, NOISE, 1], [2, 1, 2], [3, 1, 3 - 2]])).tolist() == [NOISE, 2, 1]


def test_bad_input_is_refused():
    with pytest.raises(FeatureError, match=r"\(2, 0\).*at least one other row"):
        agreed_labels(np.empty((2, 0), np.int64), np.zeros((2, 1), np.int64))
    with pytest.raises(FeatureError, match=r"\(2, 1\).*\(3, 1\).*as many rows"):
        agreed_labels(np.zeros((2, 1), np.int64), np.zeros((3, 1), np.int64))
