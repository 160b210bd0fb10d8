"""Blocks of queries that are ranked on several Ray actors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import ray

from raydist.distributed.driver.actors import in_order, started
from raydist.evaluation.ranking import BlockMap


@contextmanager
def ranking_actors(num_workers: int) -> Iterator[BlockMap]:
    """Where blocks are ranked, for the length of a block of code: on the cluster that this process is in.

    What a ranking needs, its features above all, is put into the object store once; the actors of a node map
    it there, and none has a copy.

    Args:
        num_workers: actors, each on one CPU; they change the time, never the scores.

    Raises:
        ConfigError: see `raydist.distributed.driver.actors.started`.
    """
    with started(_Ranker, num_workers=num_workers) as actors:

        def map_blocks(ranking: Callable[[int], Any], starts: Iterable[int]) -> Iterator[Any]:
            shared = ray.put(ranking)
            return in_order(actors, lambda actor, start: actor.block.remote(shared, start), starts)

        yield map_blocks


class _Ranker:
    """Ranks blocks of the ranking that comes with each of them."""

    def block(self, ranking: Callable[[int], Any], start: int) -> Any:
        """What the ranking gives for the block that begins there."""
        return ranking(start)
