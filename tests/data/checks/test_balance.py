import math

import pytest

from raydist.data.checks.balance import modality_balance


def test_counts_of_training_by_hand(table_of):
    balance = modality_balance(
        table_of(
            ("train", "visible", "a", 1, ["1.jpg", "2.jpg"]),
            ("train", "visible", "a", 2, ["3.jpg"]),
            ("train", "visible", "a", None, ["4.jpg"]),
            ("train", "infrared", "b", 2, ["5.jpg"]),
            ("train", "infrared", "b", 3, ["6.jpg"]),
            ("query", "infrared", "b", 1, ["7.jpg"]),
        )
    )
    assert balance.tracklets == {"visible": 3, "infrared": 2}
    assert balance.frames == {"visible": 4, "infrared": 2}
    assert balance.identities == {"visible": 2, "infrared": 2}
    assert (balance.identities_in_both, balance.identities_in_one) == (1, 2)
    assert balance.is_apart
    assert balance.ratio == pytest.approx(1.5)


def test_without_identities_and_with_one_modality(table_of):
    balance = modality_balance(table_of(("train", "infrared", "b", None, ["5.jpg"])))
    assert balance.identities == {"visible": 0, "infrared": 0}
    assert math.isinf(balance.ratio)
    assert not balance.is_apart


def test_half_of_the_identities_in_one_modality_are_not_most(table_of):
    rows = [("train", "visible", "a", person, [f"{person}.jpg"]) for person in (1, 2)]
    assert not modality_balance(table_of(*rows, ("train", "infrared", "b", 2, ["3.jpg"]))).is_apart
