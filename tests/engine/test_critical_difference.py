"""Mean ranks, and the critical difference beside the published table of Demsar (2006)."""

from math import sqrt

import numpy as np
import pytest

from raydist.engine.critical_difference import rank_variants

NEMENYI = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
"""Number of variants -> q at the level of 5 %, table 5(a) there."""


@pytest.mark.parametrize(("variants", "quantile"), NEMENYI.items())
def test_the_critical_difference_is_that_of_the_published_table(variants, quantile):
    scores = np.random.default_rng(0).random((7, variants))
    expected = quantile * sqrt(variants * (variants + 1) / (6 * 7))
    assert rank_variants(scores).difference == pytest.approx(expected, rel=1e-3)


def test_ranks_are_counted_one_by_one():
    scores = np.array([[0.3, 0.1, 0.3, 0.2], [0.5, 0.9, 0.1, 0.5]])
    slow = [
        [
            1 + sum(other > own for other in block) + (sum(other == own for other in block) - 1) / 2
            for own in block
        ]
        for block in scores.tolist()
    ]
    assert rank_variants(scores).ranks.tolist() == np.mean(slow, axis=0).tolist()


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (0, 0)])
def test_of_one_seed_or_one_variant_nothing_can_be_said(shape):
    assert rank_variants(np.zeros(shape)) is None


def test_groups_hold_all_pairs_that_do_not_differ_and_no_other():
    found = rank_variants(np.random.default_rng(1).random((5, 8)))
    groups = found.groups()
    for one in found.ranks:
        for other in found.ranks:
            together = (
                any(low <= one <= high and low <= other <= high for low, high in groups) or one == other
            )
            assert together == (abs(one - other) < found.difference)
