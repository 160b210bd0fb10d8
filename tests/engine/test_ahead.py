import threading

import pytest
import torch

from raydist.engine.ahead import made_ahead


@pytest.mark.parametrize("number", [0, 1, 3, 20])
def test_all_come_in_order(number):
    assert list(made_ahead(str, range(9), number)) == [(item, str(item)) for item in range(9)]
    assert list(made_ahead(str, [], number)) == []


@pytest.mark.parametrize("number", [0, 1, 3])
def test_no_more_than_so_many_are_made_beyond_the_one_that_is_used(number):
    taken, made = [], []

    def items():
        for item in range(9):
            taken.append(item)
            yield item

    for item, _ in made_ahead(made.append, items(), number):
        assert len(taken) <= item + 1 + number
    assert made == list(range(9))


def test_what_comes_next_is_made_meanwhile():
    second = threading.Event()
    ahead = made_ahead(lambda item: second.set() if item else None, range(3), 1)
    next(ahead)
    assert second.wait(timeout=60)
    ahead.close()


@pytest.mark.parametrize("number", [0, 2])
def test_a_failure_comes_where_its_item_does(number):
    ahead = made_ahead(lambda item: 1 / item, [2, 1, 0, 4], number)
    assert [next(ahead), next(ahead)] == [(2, 0.5), (1, 1.0)]
    with pytest.raises(ZeroDivisionError):
        next(ahead)


def test_what_is_not_wanted_any_more_is_not_made():
    made = []
    ahead = made_ahead(made.append, range(100), 50)
    next(ahead)
    ahead.close()
    assert len(made) <= 51


def test_a_thread_computes_on_as_many_cores_as_the_process():
    assert dict(made_ahead(lambda item: torch.get_num_threads(), range(2), 1)) == dict.fromkeys(
        range(2), torch.get_num_threads()
    )
