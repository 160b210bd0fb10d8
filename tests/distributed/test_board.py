"""What workers share through the board, and that they wait there after an epoch."""

import ray

from raydist.distributed.board import Board, EpochKey, Shared


def test_workers_wait_until_they_may_go_on_or_are_dismissed(cluster):
    board = Board.remote()
    first, second = (board.may_go_on.remote(epoch) for epoch in (1, 2))
    assert ray.wait([first, second], num_returns=2, timeout=0.5)[0] == []
    board.allow.remote(1)
    assert ray.get(first)
    assert ray.wait([second], timeout=0.5)[0] == []
    board.stop.remote()
    assert not ray.get(second)
    assert ray.get(board.may_go_on.remote(1)), "another worker of the group is told the same"


def test_references_are_handed_on_in_the_order_of_the_ranks(cluster):
    board, key = Board.remote(), EpochKey(1, 4)
    waiting = board.take_features.remote(key, 2)
    for rank in (1, 0):
        board.put_features.remote(key, rank, Shared(ray.put(f"features of {rank}")))
    assert ray.get([part.reference for part in ray.get(waiting)]) == ["features of 0", "features of 1"]
    board.put_targets.remote(key, Shared(ray.put("targets")))
    assert ray.get(ray.get(board.targets.remote(key)).reference) == "targets"
