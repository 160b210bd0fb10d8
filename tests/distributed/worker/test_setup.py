"""How a worker begins and ends, which needs no cluster but for the board."""

import logging
from types import SimpleNamespace

import pytest
import ray

from raydist.distributed.board import Board
from raydist.distributed.job import GroupActors, Job
from raydist.distributed.worker.setup import logging_to, run_guarded
from raydist.engine.process_group import PeerLost, SingleProcess
from raydist.engine.progress import advance
from raydist.errors import DataError, StorageError, WorkerError


def test_the_log_says_which_worker_wrote_a_line(tmp_path):
    with logging_to(tmp_path / "log.txt", SingleProcess()):
        logging.getLogger("raydist.engine").info("an epoch")
    logging.getLogger("raydist.engine").info("after the end")
    first, second = (tmp_path / "log.txt").read_text().splitlines()
    assert "worker 0 (pid " in first
    assert first.endswith("INFO started, 1 in all")
    assert second.endswith("INFO an epoch")


@pytest.fixture
def rank_0(monkeypatch):
    monkeypatch.setattr("ray.train.get_context", lambda: SimpleNamespace(get_world_rank=lambda: 0))


def test_an_error_of_ours_is_noted_and_the_work_is_not_begun_again(cluster, rank_0, tmp_path):
    board, calls = Board.remote(), []

    def work(job):
        calls.append(job)
        raise DataError("a file is broken")

    job = Job(GroupActors(board, []), tmp_path)
    with pytest.raises(DataError):
        run_guarded(job, work, hang_timeout=60)
    run_guarded(job, work, hang_timeout=60)
    assert calls == [job]
    assert isinstance(ray.get(board.failure.remote()), DataError)


def write_to_a_full_disk(job):
    with open("/dev/full", "w") as file:
        file.write("a row")


def read_what_is_not_there(job):
    return {}["x"]


@pytest.mark.parametrize(
    ("work", "error", "text"),
    [
        (write_to_a_full_disk, StorageError, "No space left on device: make room there"),
        (read_what_is_not_there, WorkerError, "KeyError: 'x'; it would come again"),
    ],
)
def test_an_error_that_would_come_again_is_noted(cluster, rank_0, tmp_path, work, error, text):
    board = Board.remote()
    with pytest.raises((OSError, KeyError)):
        run_guarded(Job(GroupActors(board, []), tmp_path), work, hang_timeout=60)
    failure = ray.get(board.failure.remote())
    assert type(failure) is error
    assert text in str(failure)


def test_a_worker_that_lost_another_is_tried_again(cluster, rank_0, tmp_path):
    board, calls = Board.remote(), []

    def work(job):
        calls.append(job)
        raise PeerLost("connection closed")

    for _ in range(2):
        with pytest.raises(PeerLost):
            run_guarded(Job(GroupActors(board, []), tmp_path), work, hang_timeout=60)
    assert len(calls) == 2
    assert ray.get(board.failure.remote()) is None


def test_the_board_hears_of_a_worker_as_long_as_it_works(cluster, rank_0, tmp_path):
    board, heard = Board.remote(), []

    def work(job):
        advance("step 3 of 10")
        while not heard or heard[-1].get(0) != "step 3 of 10":
            heard.append(ray.get(board.news.remote("", 0, 60)).doing)

    run_guarded(Job(GroupActors(board, []), tmp_path), work, hang_timeout=4)
    assert ray.get(board.news.remote("", 0, 60)).doing == {}
