"""Workers that wait at the board after an epoch."""

import ray

from raydist.distributed.board import Board


def test_workers_wait_until_they_may_go_on_or_are_dismissed(cluster):
    board = Board.remote()
    first, second = (board.may_go_on.remote(epoch) for epoch in (1, 2))
    assert ray.wait([first, second], num_returns=2, timeout=0.5)[0] == []
    board.allow.remote(1)
    assert ray.get(first)
    assert ray.wait([second], timeout=0.5)[0] == []
    board.dismiss.remote()
    assert not ray.get(second)
    assert ray.get(board.may_go_on.remote(1)), "another worker of the group is told the same"
