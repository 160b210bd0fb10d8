"""A worker's signs of life, sent to the board from a thread of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import ray

from raydist.distributed.beats import Beat, started_at
from raydist.distributed.job import ActorHandle
from raydist.engine.progress import PROGRESS
from raydist.memory_meter import process_peak
from raydist.repeated import repeated

MOST_SECONDS = 2.0
"""Between two signs of life."""


@contextmanager
def beating(board: ActorHandle, rank: int, hang_timeout: float) -> Iterator[None]:
    """Send signs of life in a block, at least eight within `hang_timeout` seconds; the first has arrived when
    it begins: a worker that was never heard of is not missed. Each has arrived before the next is sent, where
    the board answers: calls may overtake each other, and after a sign that comes last the worker would seem
    to work still.

    Args:
        board: of `raydist.distributed.board.Board`.
        rank: of this worker.
        hang_timeout: ``ray.hang_timeout``.
    """
    node, pid, started = ray.get_runtime_context().get_node_id(), os.getpid(), started_at(psutil.Process())
    between = min(MOST_SECONDS, hang_timeout / 8)

    def beat() -> ray.ObjectRef[None]:
        count, doing, waits = PROGRESS.count, PROGRESS.doing, PROGRESS.waits
        sign = Beat(rank, node, pid, started, count, doing, waits, process_peak())
        sent: ray.ObjectRef[None] = board.beat.remote(sign)
        return sent

    def beat_on() -> bool:
        ray.wait([beat()], timeout=between)
        return True

    ray.wait([beat()], timeout=hang_timeout)
    try:
        with repeated(beat_on, between):
            yield
    finally:
        ray.wait([beat()], timeout=MOST_SECONDS)
        ray.wait([board.leave.remote(rank)], timeout=MOST_SECONDS)
