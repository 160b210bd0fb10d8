"""What workers share through the board, and that they wait there after an epoch."""

import os
import signal

import pytest
import ray
from ray.exceptions import RayActorError

from raydist.distributed.board import Board, BoardLost, EpochKey
from raydist.distributed.references import Piece, Shared
from tests.processes import actors


def test_workers_wait_until_they_may_go_on_or_are_dismissed(cluster):
    board = Board.remote()
    name = ray.get(board.name.remote())
    first, second = (board.may_go_on.remote(name, epoch) for epoch in (1, 2))
    assert ray.wait([first, second], num_returns=2, timeout=0.5)[0] == []
    board.allow.remote(1)
    assert ray.get(first)
    assert ray.wait([second], timeout=0.5)[0] == []
    board.stop.remote()
    assert not ray.get(second)
    assert ray.get(board.may_go_on.remote(name, 1)), "another worker of the group is told the same"


def test_references_are_handed_on_in_the_order_of_the_ranks(cluster):
    board = Board.remote()
    key = EpochKey(ray.get(board.new_attempt.remote(2)), 4)
    waiting = board.take_features.remote(key, 2)
    for rank in (1, 0):
        pieces = [Piece(2 * rank + i, (1, 1, 4), ray.put(f"piece {i} of {rank}")) for i in range(2)]
        board.put_features.remote(key, rank, pieces)
    taken = ray.get([piece.reference for piece in ray.get(waiting)])
    assert taken == [f"piece {i} of {rank}" for rank in range(2) for i in range(2)]
    board.put_targets.remote(key, Shared(ray.put("targets")))
    assert ray.get(ray.get(board.targets.remote(key)).reference) == "targets"


def new_name(board):
    """The name of a board, once it answers again."""
    for _ in range(200):
        try:
            return ray.get(board.name.remote())
        except RayActorError:
            continue
    raise TimeoutError("the board is not started again")


def test_a_board_that_was_lost_refuses_what_is_meant_for_the_old_one(cluster):
    earlier = {process.pid for process in actors("Board")}
    board = Board.remote()
    key = EpochKey(ray.get(board.new_attempt.remote(1)), 1)
    name = ray.get(board.name.remote())
    ray.get(board.post.remote("an event"))
    assert ray.get(board.news.remote(name, 1, 60)).events == []
    waiting = board.targets.remote(key)
    (process,) = [process for process in actors("Board") if process.pid not in earlier]
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(RayActorError):
        ray.get(waiting)
    assert new_name(board) != name
    for call in (
        board.targets.remote(key),
        board.put_features.remote(key, 0, []),
        board.take_features.remote(key, 1),
        board.put_targets.remote(key, Shared(ray.put(1))),
        board.may_go_on.remote(name, 1),
    ):
        with pytest.raises(BoardLost, match="its workers start again too"):
            ray.get(call)
    ray.get(board.post.remote("another event"))
    assert ray.get(board.news.remote(name, 1, 60)).events == ["another event"], "none of it was seen"
