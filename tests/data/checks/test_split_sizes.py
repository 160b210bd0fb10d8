import pytest

from raydist.data.checks.balance import modality_balance
from raydist.data.checks.split_sizes import LISTED, odd_splits


@pytest.fixture
def balance_of(table_of):
    """`balance_of(visible, infrared)` is that of a split with two images of each of so many persons."""

    def make(visible, infrared):
        return modality_balance(
            table_of(
                *(
                    ("train", modality, modality, person, [f"{modality}/{person}/{number}.bmp"])
                    for modality, persons in (("visible", visible), ("infrared", infrared))
                    for person in range(persons)
                    for number in range(2)
                )
            )
        )

    return make


def test_splits_of_equal_size_are_not_odd(balance_of):
    assert odd_splits({trial: balance_of(3, 4) for trial in (1, 2, 3)}) is None
    assert odd_splits({4: balance_of(3, 4)}) is None
    assert odd_splits({}) is None


def test_the_odd_one_is_named_with_both_numbers_wherever_it_stands(balance_of):
    for odd, other in ((1, 2), (2, 1), (3, 1)):
        line = odd_splits({trial: balance_of(3, 1 if trial == odd else 4) for trial in (1, 2, 3)})
        assert line.startswith(
            f"split {odd} trains on 2 infrared tracklets of 1 identity (split {other} on 8 of 4), but"
        )


def test_tracklets_and_identities_both_count(balance_of, table_of):
    rows = [("train", "visible", "a", 0, [f"{number}.bmp"]) for number in range(4)]
    rows += [("train", "infrared", "b", person // 2, [f"i{person}.bmp"]) for person in range(4)]
    line = odd_splits({1: balance_of(2, 2), 2: modality_balance(table_of(*rows)), 3: balance_of(2, 2)})
    assert line.startswith("split 2 trains on 4 visible tracklets of 1 identity (split 1 on 4 of 2), but")


def test_many_odd_ones_are_counted(balance_of):
    sizes = [5, 5, 1, 2, 3, 4, 6]
    line = odd_splits({trial: balance_of(5, size) for trial, size in enumerate(sizes, 1)})
    assert [f"split {trial} trains" in line for trial in range(1, 8)] == [False] * 2 + [True] * LISTED + [
        False
    ] * 2
    assert "(split 1 on 10 of 5), 2 more differ, but published splits" in line
