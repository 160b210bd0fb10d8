import numpy as np
import pytest

from raydist.randomness import stream


def test_streams_differ_by_seed_name_and_keys():
    draws = [
        stream(*args).random(8)
        for args in [(0, "a"), (1, "a"), (0, "b"), (0, "a", 0), (0, "a", 1), (0, "a", 0, 1)]
    ]
    assert len({tuple(draw) for draw in draws}) == len(draws)


def test_equal_arguments_give_equal_numbers():
    assert np.array_equal(stream(3, "a", 1, 2).random(8), stream(3, "a", 1, 2).random(8))


def test_negative_keys_are_refused():
    with pytest.raises(ValueError, match="must be >= 0"):
        stream(0, "a", -1)
