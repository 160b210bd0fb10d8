"""Which shard is searched by which, so that every two of them are multiplied once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

HalvedSide = Literal["own", "other"] | None
"""Which rows are cut in half when two shards are searched in each other: those of the shard that works, or
the other's."""


def half_ring(num_shards: int) -> Iterator[tuple[int, int, HalvedSide]]:
    """The pairs of S shards, so that all shards have equally much to do at any time.

    Shard s works on the next (S - 1) / 2 shards of a ring. Opposite shards of an even ring share the work:
    one takes the first half of the other's rows, the other the rest.

    Args:
        num_shards: S.

    Yields:
        The shard that works, the one whose rows it reads, and which of the two sides is cut in half:
        ``other`` for the first half of the other's rows alone, ``own`` for the second half of the own ones.

    >>> list(half_ring(2))
    [(0, 1, 'other'), (1, 0, 'own')]
    >>> list(half_ring(3))
    [(0, 1, None), (1, 2, None), (2, 0, None)]
    """
    for step in range(1, (num_shards + 1) // 2):
        for shard in range(num_shards):
            yield shard, (shard + step) % num_shards, None
    if num_shards % 2 == 0:
        for shard in range(num_shards // 2):
            yield shard, shard + num_shards // 2, "other"
            yield shard + num_shards // 2, shard, "own"
