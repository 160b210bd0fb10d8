"""How a worker begins and ends, which needs no cluster but for the board."""

import logging

import pytest
import ray

from raydist.distributed.board import Board
from raydist.distributed.job import GroupActors, Job
from raydist.distributed.worker.setup import logging_to, run_guarded
from raydist.engine.process_group import SingleProcess
from raydist.errors import DataError


def test_the_log_says_which_worker_wrote_a_line(tmp_path):
    with logging_to(tmp_path / "log.txt", SingleProcess()):
        logging.getLogger("raydist.engine").info("an epoch")
    logging.getLogger("raydist.engine").info("after the end")
    first, second = (tmp_path / "log.txt").read_text().splitlines()
    assert "worker 0 (pid " in first
    assert first.endswith("INFO started, 1 in all")
    assert second.endswith("INFO an epoch")


def test_an_error_of_ours_is_noted_and_the_work_is_not_begun_again(cluster, tmp_path):
    board, calls = Board.remote(), []

    def work(job):
        calls.append(job)
        raise DataError("a file is broken")

    job = Job(GroupActors(board, []), tmp_path)
    with pytest.raises(DataError):
        run_guarded(job, work)
    run_guarded(job, work)
    assert calls == [job]
    assert isinstance(ray.get(board.failure.remote()), DataError)
