"""How much memory a feature shard takes: checked before a run starts, and compared with what it took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.search.memory import search_memory
from raydist.neighbours.search.options import SearchOptions

MEGABYTE = 1_000_000

_TABLES = 3
"""Tables of N / S features that a shard maps at one time for a graph of N rows: its rows of the graph, their
copy in the object store, and another shard's."""

_LIFTED = 4
"""Tables with more coordinates where rows are ranked by distance: two forms of the own rows and of another
shard's."""

_REQUESTED = 4
"""Features that a shard asks the others for, at most, for every row of its own: members of sets that are in
neither list."""

PART_BYTES = 128 * MEGABYTE
"""How many bytes of such features are requested at one time."""

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
    """Bytes that one shard takes at most, what it maps of the object store included.

    Attributes:
        features: its rows of the graph, and those that it gives to other shards and takes of them.
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


def shard_memory(
    num_rows: int, width: int, spec: Distance, *, num_shards: int, threads: int = 1
) -> ShardMemory:
    """What a shard takes while N rows are clustered, beside the tables that it has: see `table_memory`.

    Args:
        num_rows: N.
        width: D.
        spec: the distance.
        num_shards: S; each has N / S rows.
        threads: of each shard.

    >>> from raydist.neighbours.jaccard.plain import PlainJaccard
    >>> shard_memory(1_000_000, 2048, PlainJaccard(), num_shards=16, threads=2).total < 6e9
    True
    """
    num_own = -(-num_rows // num_shards)
    lifted = _LIFTED * 4 * (width + 2) * num_own if spec.ranking == "distance" else 0
    wide, wider = _wide(spec)
    return ShardMemory(
        features=(_TABLES * 4 * width * num_own)
        + lifted
        + 2 * _requested_bytes(num_own, width) // num_parts(num_own, width),
        search=search_memory(
            num_own,
            width,
            num_within=spec.num_within,
            num_across=spec.num_across,
            options=SearchOptions(threads=threads),
        ),
        lists=_lists_bytes(num_rows, spec),
        v=num_own * (2 * wide + wider) + 2 * num_rows * wider,
    )


def table_memory(num_rows: int, num_tables: int, width: int, *, num_shards: int) -> int:
    """Bytes of a shard's rows of the features of all training tracklets.

    Args:
        num_rows: of all tracklets.
        num_tables: features of a tracklet, see `Method.num_tables`.
        width: D.
        num_shards: S.

    >>> table_memory(100, 5, 64, num_shards=2)
    64000
    """
    return num_tables * 4 * width * -(-num_rows // num_shards)


def store_memory(sizes: Sequence[int], num_tables: int, width: int, specs: Sequence[Distance]) -> int:
    """Bytes of a refresh in the object stores of all nodes, if each modality is clustered by itself.

    Features, the rows of the graph at hand, its lists, and V by rows and by columns.

    Args:
        sizes: rows of each clustering.
        num_tables: features of a tracklet, see `Method.num_tables`.
        width: D.
        specs: the distance of each.
    """
    graphs = (
        n * 4 * width + _lists_bytes(n, spec) + 2 * n * _wide(spec)[1]
        for n, spec in zip(sizes, specs, strict=True)
    )
    return table_memory(sum(sizes), num_tables, width, num_shards=1) + max(graphs)


def _lists_bytes(num_rows: int, spec: Distance) -> int:
    return num_rows * (_num_listed(spec) * (4 + 4 + 2) + spec.num_averaged * (4 + 8) + 3 * 8)


def _num_listed(spec: Distance) -> int:
    return 1 + spec.num_within + spec.num_across


def _wide(spec: Distance) -> tuple[int, int]:
    """Bytes of a row of V before and after query expansion."""
    return _WIDE_SETS * _num_listed(spec) * _ENTRY, _WIDE_EXPANSIONS * _num_listed(spec) * _ENTRY


def num_parts(num_rows: int, width: int) -> int:
    """Into how many parts a shard's rows are cut, so that what one requests stays within `PART_BYTES`.

    Args:
        num_rows: rows of the shard.
        width: D.
    """
    return max(1, -(-_requested_bytes(num_rows, width) // PART_BYTES))


def _requested_bytes(num_rows: int, width: int) -> int:
    return _REQUESTED * 4 * width * num_rows


def check_shard_memory(
    sizes: Iterable[int],
    width: int,
    specs: Iterable[Distance],
    *,
    num_shards: int,
    threads: int,
    budget_mb: int,
    tables: int,
) -> tuple[float, int]:
    """What a shard takes for the largest of several clusterings, and what the budget leaves for its search.

    Args:
        sizes: rows of each clustering.
        width: D.
        specs: the distance of each.
        num_shards: S.
        threads: of each shard.
        budget_mb: 10^6 bytes for each shard.
        tables: bytes of the tables that it has, see `table_memory`.

    Returns:
        Megabytes of a shard, and bytes that its search may take.

    Raises:
        ConfigError: a shard takes more.
    """
    needs = [
        shard_memory(n, width, spec, num_shards=num_shards, threads=threads)
        for n, spec in zip(sizes, specs, strict=True)
    ]
    largest = max(needs, key=lambda need: need.total)
    total = largest.total + tables
    megabytes = total / MEGABYTE
    if megabytes > budget_mb:
        raise ConfigError(
            f"a feature shard takes up to {megabytes:,.0f} MB with ray.num_shards = {num_shards}; "
            f"memory.shard_mb = {budget_mb} allows less: raise it, or ray.num_shards"
        )
    return megabytes, budget_mb * MEGABYTE - total + largest.search
