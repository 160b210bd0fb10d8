"""A driver watches over real processes: workers that stop, or do not get on, and a board that is killed."""

import os
import time

import psutil
import pytest
import ray

from raydist.announcements import listening
from raydist.distributed.board import Board
from raydist.distributed.driver.watch import Watch

HANG_SECONDS = 6
PATIENCE_SECONDS = 120


@ray.remote(num_cpus=0)
class Worker:
    """Sends signs of life as a worker does."""

    def begin(self, board) -> int:
        from raydist.distributed.worker.heart import beating

        self._beats = beating(board, 1, HANG_SECONDS)
        self._beats.__enter__()
        return os.getpid()

    def advance(self, doing: str) -> None:
        from raydist.engine.progress import advance

        advance(doing)


@pytest.fixture
def group(cluster, tmp_path):
    """A board, its watch, a worker and its process, what the driver heard, and what it said."""
    board, worker, events, said = Board.remote(), Worker.remote(), [], []
    watch = Watch(board, events.append, HANG_SECONDS, log=tmp_path / "log.txt")
    process = psutil.Process(ray.get(worker.begin.remote(board)))
    with listening(said.append):
        yield board, watch, worker, process, events, said


def look_until(watch: Watch, condition) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up
        watch.look()
        time.sleep(0.1)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_worker_that_is_stopped_is_named_and_ended(group, tmp_path):
    _, watch, worker, process, _, said = group
    ray.get(worker.advance.remote("epoch 2, step 7 of 9"))
    process.suspend()
    look_until(watch, lambda: is_gone(process))
    (line,) = said
    assert line.startswith("worker 1 ")
    assert line.endswith(" s (epoch 2, step 7 of 9): it is ended") or "getting ready" in line
    assert f"driver WARNING {line}" in (tmp_path / "log.txt").read_text()


def test_a_worker_that_does_not_get_on_is_named_and_ended(group):
    _, watch, worker, process, _, said = group
    ray.get(worker.advance.remote("epoch 2, step 7 of 9"))
    look_until(watch, lambda: is_gone(process))
    (line,) = said
    assert line.startswith("worker 1 did not get on for ")
    assert line.endswith(" s (epoch 2, step 7 of 9): it is ended")


def test_a_worker_that_waits_is_left_alone(group):
    _, watch, _, process, _, said = group
    end = time.monotonic() + 2.5 * HANG_SECONDS
    look_until(watch, lambda: time.monotonic() > end)
    assert not is_gone(process)
    assert said == []


def test_a_board_that_is_killed_is_noted_and_its_events_are_heard_once(group, tmp_path):
    board, watch, _, _, events, said = group
    ray.get(board.post.remote("first"))
    look_until(watch, lambda: events == ["first"])
    ray.kill(board, no_restart=False)
    look_until(watch, lambda: "the board was lost and started again" in said)
    ray.get(board.post.remote("second"))
    look_until(watch, lambda: len(events) > 1)
    assert events == ["first", "second"]
    assert watch.failure() is None
