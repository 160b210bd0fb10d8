"""How much memory a feature shard takes, said before a run starts and compared with what it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from raydist.errors import ConfigError
from raydist.neighbours.distance import DistanceSpec
from raydist.neighbours.search import search_memory

MEGABYTE = 1_000_000

_WIDE_SETS = 2
"""Entries of a row of V for every neighbour in a ranked list, at most: 24 of 30 were measured."""

_WIDE_EXPANSIONS = 4
"""Entries of a row after query expansion for every neighbour, at most: 80 of 30 were measured."""

_ENTRY = 8
"""Bytes of an entry of a sparse matrix."""

CODE = 300 * MEGABYTE
"""What the kernels take when they are compiled, or read from their cache, for the first time."""


@dataclass(frozen=True)
class ShardMemory:
    """Bytes that one shard takes above its features, at the widest.

    Attributes:
        features: the rows that are clustered, and a block of another shard's.
        search: what the search for neighbours takes.
        lists: ranked lists of all rows, mapped from the object store.
        v: rows of V, and the expanded V of all rows by rows and by columns, mapped from the object store.
    """

    features: int
    search: int
    lists: int
    v: int

    @property
    def total(self) -> int:
        """All of it, and the code that is compiled."""
        return self.features + self.search + self.lists + self.v + CODE


def shard_memory(num_rows: int, width: int, spec: DistanceSpec, *, num_shards: int, threads: int = 1) -> ShardMemory:
    """What a shard takes while N rows are clustered.

    Args:
        num_rows: N.
        width: D.
        spec: the distance.
        num_shards: S; each holds N / S rows.
        threads: of a shard.

    >>> shard_memory(1_000_000, 2048, DistanceSpec.plain(), num_shards=16, threads=2).total < 4e9
    True
    """
    mine = -(-num_rows // num_shards)
    seats = 1 + spec.num_within + spec.num_across
    averaged = max(spec.k2, spec.k2_intra + spec.k2_inter) * (2 if spec.name == "modality-aware" else 1)
    wide, wider = _WIDE_SETS * seats * _ENTRY, _WIDE_EXPANSIONS * seats * _ENTRY
    return ShardMemory(
        features=2 * 4 * width * mine,
        search=search_memory(mine, width, num_within=spec.num_within, num_across=spec.num_across, threads=threads),
        lists=num_rows * (seats * (4 + 4 + 2) + averaged * (4 + 8) + 3 * 8),
        v=mine * (2 * wide + wider) + 2 * num_rows * wider,
    )


def check_shard_memory(
    sizes: Iterable[int], width: int, specs: Iterable[DistanceSpec], *, num_shards: int, threads: int, budget_mb: int
) -> tuple[float, int]:
    """The largest of several clusterings, if it is within the budget, and what that leaves for its search.

    Args:
        sizes: rows of each clustering.
        width: D.
        specs: the distance of each.
        num_shards: S.
        threads: of a shard.
        budget_mb: 10^6 bytes for each shard.

    Returns:
        Megabytes of a shard, and bytes that its search may take.

    Raises:
        ConfigError: a shard takes more.
    """
    needs = [shard_memory(n, width, spec, num_shards=num_shards, threads=threads) for n, spec in zip(sizes, specs, strict=True)]
    largest = max(needs, key=lambda need: need.total)
    megabytes = largest.total / MEGABYTE
    if megabytes > budget_mb:
        raise ConfigError(
            f"a feature shard takes up to {megabytes:,.0f} MB with ray.num_shards = {num_shards}; memory.shard_mb = {budget_mb} "
            f"allows less: raise it, or ray.num_shards"
        )
    return megabytes, budget_mb * MEGABYTE - largest.total + largest.search
