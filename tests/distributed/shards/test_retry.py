import pytest
from ray.exceptions import ActorUnavailableError, RayActorError

from raydist.distributed.shards import retry
from raydist.distributed.shards.retry import ATTEMPTS, retry_lost_shards
from raydist.errors import WorkerError


def test_a_step_starts_over_until_no_shard_is_lost():
    attempts = []

    def step(attempt):
        attempts.append(attempt)
        if attempt < ATTEMPTS - 1:
            raise RayActorError()
        return "labels"

    assert retry_lost_shards(step) == "labels"
    assert attempts == list(range(ATTEMPTS))


def test_shards_that_are_lost_in_every_attempt_end_the_step():
    def step(attempt):
        raise RayActorError()

    with pytest.raises(WorkerError, match=f"lost {ATTEMPTS} times"):
        retry_lost_shards(step)


@pytest.mark.parametrize("seconds", [60, 0])
def test_a_shard_that_does_not_answer_is_asked_until_it_is_known_whether_it_is_lost(monkeypatch, seconds):
    attempts = []
    monkeypatch.setattr(retry, "PAUSE", 0)
    monkeypatch.setattr(retry, "UNKNOWN_SECONDS", seconds)

    def step(attempt):
        attempts.append(attempt)
        if attempt < ATTEMPTS + 5:
            raise ActorUnavailableError("the socket was closed", actor_id=None)
        return "labels"

    if seconds:
        assert retry_lost_shards(step) == "labels"
        assert attempts == list(range(ATTEMPTS + 6))
    else:
        with pytest.raises(WorkerError, match=f"lost {ATTEMPTS} times"):
            retry_lost_shards(step)


def test_another_error_is_not_tried_again():
    attempts = []

    def step(attempt):
        attempts.append(attempt)
        raise ValueError("no such row")

    with pytest.raises(ValueError, match="no such row"):
        retry_lost_shards(step)
    assert attempts == [0]
