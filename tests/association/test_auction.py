import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from raydist.association.auction import LISTED, auction


def bought(table, **options):
    return auction(lambda bidders: table[bidders], *table.shape, **options)


def value_of(table, objects):
    return table[np.arange(len(table)), objects].sum()


@pytest.mark.parametrize("num_objects", [1, 2, 30, LISTED, LISTED + 1, 90])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_the_total_is_the_largest_but_for_the_steps(num_objects, share):
    num_bidders = int(share * num_objects)
    for seed in range(5):
        table = np.random.default_rng(seed).normal(size=(num_bidders, num_objects))
        objects = bought(table, step=1e-3)
        assert len(set(objects.tolist())) == num_bidders
        best = table[linear_sum_assignment(table, maximize=True)].sum()
        assert best - num_bidders * 1e-3 <= value_of(table, objects) <= best + 1e-9


@pytest.mark.parametrize("most", [1, 5, 1000])
def test_whole_values_and_a_small_step_give_the_largest_total(most):
    for seed in range(5):
        table = np.random.default_rng(seed).integers(0, most + 1, (60, 80)).astype(float)
        best = table[linear_sum_assignment(table, maximize=True)].sum()
        assert value_of(table, bought(table, step=1 / 61)) == best


def test_all_want_the_same_objects():
    worth = np.arange(100.0)
    objects = bought(np.tile(worth, (50, 1)), step=0.01)
    assert sorted(objects.tolist()) == list(range(50, 100))


def test_values_are_asked_for_in_small_blocks():
    table, asked = np.random.default_rng(0).normal(size=(700, 1000)), []

    def values(bidders):
        asked.append(len(bidders))
        return table[bidders]

    auction(values, *table.shape)
    assert max(asked) * 1000 <= 1 << 18
    assert sum(asked) >= 700


def test_no_bidders():
    assert bought(np.empty((0, 3))).tolist() == []
    assert bought(np.empty((0, 0))).tolist() == []


def test_too_few_objects():
    with pytest.raises(ValueError, match="2 bidders for 1 objects"):
        bought(np.zeros((2, 1)))
