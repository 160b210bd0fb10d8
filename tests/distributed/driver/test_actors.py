"""Actors that share blocks: the order of the results, actors that are lost, and what actors raise."""

import os
import signal

import pytest
import ray

from raydist.distributed.driver.actors import AHEAD, RESTARTS, in_order, result_of, started
from raydist.errors import ConfigError, DataError, WorkerError

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture
def squaring(tmp_path):
    """An actor that squares numbers and notes which; it is killed at 3, as often as asked."""

    class Squaring:
        def __init__(self, deaths=0):
            if deaths is None:
                raise DataError("no number of deaths")
            self._deaths = deaths

        def square(self, number):
            with (tmp_path / f"asked-{number}").open("a") as file:
                file.write(".")
            if number == 3 and (tmp_path / "asked-3").stat().st_size <= self._deaths:
                os.kill(os.getpid(), signal.SIGKILL)
            if number < 0:
                raise DataError(f"{number}: expected a number from 0")
            return number**2

    return Squaring


def ask(actor, number):
    return actor.square.remote(number)


@pytest.mark.parametrize("num_workers", [1, 2])
@pytest.mark.parametrize("num_blocks", [0, 1, 11])
def test_results_are_in_the_order_of_the_blocks(squaring, num_workers, num_blocks):
    with started(squaring, num_workers=num_workers) as actors:
        assert list(in_order(actors, ask, range(num_blocks))) == [n**2 for n in range(num_blocks)]


def test_no_more_blocks_are_asked_for_than_are_taken(squaring, tmp_path):
    with started(squaring, num_workers=2) as actors:
        results = in_order(actors, ask, range(100))
        assert [next(results) for _ in range(3)] == [0, 1, 4]
        assert result_of(actors[0].square.remote(1000)) == 1_000_000  # after all that it was asked for before
        assert result_of(actors[1].square.remote(1001)) == 1_002_001
    assert len(list(tmp_path.glob("asked-??"))) == 0
    assert len(list(tmp_path.glob("asked-?"))) == 2 + 2 * AHEAD


def test_a_lost_actor_is_started_again_and_nothing_is_missing(squaring, tmp_path):
    with started(squaring, RESTARTS, num_workers=2) as actors:
        assert list(in_order(actors, ask, range(8))) == [n**2 for n in range(8)]
    assert (tmp_path / "asked-3").stat().st_size == RESTARTS + 1


def test_an_actor_that_is_lost_too_often_fails_the_command(squaring):
    with (
        started(squaring, 100, num_workers=2) as actors,
        pytest.raises(WorkerError, match="a Ray actor was lost 3 times"),
    ):
        list(in_order(actors, ask, range(8)))


def test_what_an_actor_raises_is_raised_as_it_is(squaring):
    with started(squaring, num_workers=1) as actors, pytest.raises(DataError) as raised:
        list(in_order(actors, ask, [2, -1]))
    assert str(raised.value) == "-1: expected a number from 0"


def test_what_its_constructor_raises_is_told(squaring):
    with started(squaring, None, num_workers=1) as actors, pytest.raises(WorkerError, match="no number of d"):
        list(in_order(actors, ask, [2]))


def test_actors_are_gone_after_the_block(squaring):
    with started(squaring, num_workers=1) as actors:
        pass
    with pytest.raises(WorkerError):
        result_of(actors[0].square.remote(2))


@pytest.mark.parametrize("use_gpu", [False, True])
def test_more_actors_than_the_machine_has_room_for_are_refused(squaring, use_gpu):
    kind = "GPU" if use_gpu else "CPU"
    have = int(ray.cluster_resources().get(kind, 0))
    message = rf"--workers {have + 1} needs {have + 1} {kind}s?; the cluster has {have}: lower --workers$"
    with pytest.raises(ConfigError, match=message), started(squaring, num_workers=have + 1, use_gpu=use_gpu):
        pass
