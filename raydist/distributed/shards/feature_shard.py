"""Feature shards: Ray actors with rows of a feature table, and their neighbours, distances and edges.

`raydist.distributed.shards.graph` asks a shard, in this order:

1. `start_graph`: choose the rows that are clustered; `graph_features` hands them to other shards.
2. `search_own`, `search_pair` with some of the other shards, `merged_lists`: the ranked lists of its rows.
3. `mutual_ranks`; then for each part of its rows `build_sets` and `encode`, with `features_at` of
   the other shards.
4. `request_v` and `expand`, with `v_at` of the other shards.
5. `edges` of any rows.

A shard knows no mathematics of its own: `ShardSearch` and `ShardEncoding` call functions of
`raydist.neighbours` on its rows. An actor never waits for another actor, so they cannot block each other.
Every step names the version of the table that it is for: an actor that Ray has started again has none, and
says that it is empty.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.association.propagation import aggregate
from raydist.association.votes import count_votes
from raydist.distributed.object_store import store_peak
from raydist.distributed.references import Piece, Shared
from raydist.distributed.shards.assembly import ExpandedV
from raydist.distributed.shards.half_ring import HalvedSide
from raydist.distributed.shards.layout import GraphLists, ShardIsEmpty, ShardRows
from raydist.distributed.shards.shard_encoding import ShardEncoding
from raydist.distributed.shards.shard_search import ShardSearch
from raydist.memories.exact_sums import exact_group_sums
from raydist.memory_meter import peak_meter
from raydist.methods.epoch_features import GroupRule, Measure, in_blocks, with_parts
from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.jaccard.edges import Edges, jaccard_edges
from raydist.neighbours.jaccard.reciprocal import MutualRanks
from raydist.neighbours.search.lists import shard_topk
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import GroupedLists, LeastSimilarities, Ranked
from raydist.neighbours.search.raw import check_lengths
from raydist.neighbours.search.report import SearchReport
from raydist.neighbours.search.rows import Rows
from raydist.neighbours.search.view_nearest import shard_nearest_in_views, shard_nearest_of_view
from raydist.types import Doubles, Floats, Ints, Labels

log = logging.getLogger(__name__)

ShardActor = Any
"""The handle of a `FeatureShard` actor; Ray's own type knows no methods."""


@dataclass(frozen=True)
class _ShardTable:
    """One shard's rows of a table.

    Attributes:
        rows: float32 [n, K, D].
        shared: where they are in the object store, from which they are mapped then; None until another
            process asks for them.
    """

    rows: Floats
    shared: Shared | None = None


@dataclass(frozen=True)
class _ShardGraph:
    """One shard's part of the graph at hand.

    Attributes:
        version: of the table.
        features: float32 [r, D], of the rows that take part.
        search: of their neighbours.
        encoding: their rows of V.
    """

    version: int
    features: Floats
    search: ShardSearch
    encoding: ShardEncoding


class FeatureShard:
    """Consecutive rows of some tables, and the steps of clustering on some of them.

    Args:
        options: of each search; the other steps use its threads.
    """

    def __init__(self, options: SearchOptions = SearchOptions()) -> None:
        self._options = _on_a_device_that_is_here(options)
        self._tables: dict[int, _ShardTable] = {}
        self._graph: _ShardGraph | None = None
        self._meter, self._bytes_before, self._highest = peak_meter(), 0, 0

    def has_device(self) -> bool:
        """Whether the shard searches on a device."""
        return self._options.device is not None

    def clear(self) -> None:
        """Drop all tables."""
        self._tables, self._graph = {}, None
        self.process_peak()
        self._meter.restart()
        self._bytes_before = self._meter.read()

    def has(self, version: int) -> bool:
        """Whether the shard has its rows of a table."""
        return version in self._tables

    def reference(self, version: int) -> Shared:
        """Where the shard's rows of a table are in the object store, for others; now at the latest."""
        rows, shared = self._table(version), self._tables[version].shared
        if shared is None:
            shared = Shared(ray.put(rows))
            self._tables[version] = _ShardTable(ray.get(shared.reference), shared)
        return shared

    def fill(self, version: int, empty: tuple[int, int, int], pieces: Sequence[Piece]) -> None:
        """Take the rows of a table that are in these pieces, in order; without any, `empty` is their shape.

        One piece stays where it is in the object store; of several, one is mapped at a time.
        """
        if len(pieces) == 1:
            reference = pieces[0].reference
            self._tables[version] = _ShardTable(ray.get(reference), Shared(reference))
            return
        num_rows = sum(piece.shape[0] for piece in pieces)
        rows, place = np.empty((num_rows, *empty[1:]), np.float32), 0
        for piece in pieces:
            rows[place : place + piece.shape[0]] = ray.get(piece.reference)
            place += piece.shape[0]
        self._tables[version] = _ShardTable(rows)

    def derive(self, version: int, source: int, rule: Callable[..., Floats], *by_row: NDArray[Any]) -> None:
        """Make a table of each row of another one; see `EpochFeatures.transformed`."""
        self._tables[version] = _ShardTable(with_parts(in_blocks(rule, self._table(source), *by_row)))

    def rows_at(self, version: int, positions: Ints) -> Floats:
        """float32 [b, D], some of this shard's rows of a table [n, 1, D]."""
        return self._table(version)[positions, 0]

    def aggregate(self, version: int, source: int, weights: csr_array, *friends: Floats) -> None:
        """Make a table of the rows of another one with their friends'; see `EpochFeatures.aggregated`.

        Args:
            version: of the new table.
            source: of the other one.
            weights: CSR [n, m], of this shard's rows.
            friends: m rows in all, in the order of the columns.
        """
        rows = aggregate(self._table(source)[:, 0], weights, np.concatenate(friends))
        self._tables[version] = _ShardTable(rows[:, None])

    def nearest_of_view(
        self, version: int, views: tuple[Ints, Ints], firsts: tuple[int, int], top: int, features: Floats
    ) -> Ranked:
        """For this shard's rows the most similar of another shard's rows in a view.

        Args:
            version: of the table.
            views: int64 [n] that this shard's rows ask for, and int64 [m] of the other's.
            firsts: the numbers of the first rows of both.
            top: how many.
            features: float32 [m, 1, D], of the other shard's rows.
        """
        (view, others), (first, of_others) = views, firsts
        own = self._table(version)[:, 0], view, first + np.arange(len(view))
        return shard_nearest_of_view(
            own, (features[:, 0], others, of_others + np.arange(len(others))), top=top
        )

    def nearest_to(self, version: int, queries: Floats, places: Ints, first: int, top: int) -> Ranked:
        """See `EpochFeatures.nearest_to`, among the rows at these places; `first` is this shard's first."""
        return shard_topk(queries, self._table(version)[places, 0], k=top, shard_ids=first + places)

    def votes(
        self,
        version: int,
        labels: tuple[Labels, Labels],
        threshold: float,
        shape: tuple[int, int],
        others: Floats,
    ) -> csr_array:
        """See `EpochFeatures.votes`, of this shard's rows with some rows of any shard.

        Args:
            version: of the table.
            labels: int64 [n] of this shard's rows, and int64 [m] of the others.
            threshold: from which dot product on a pair counts.
            shape: of the whole result.
            others: float32 [m, D].
        """
        own = self._table(version)[:, 0]
        return count_votes(own, others, labels=labels, threshold=threshold, shape=shape)

    def of_groups(
        self, rule: GroupRule, groups: Ints, by_group: Sequence[NDArray[Any]], *rows: Floats
    ) -> NDArray[Any]:
        """See `EpochFeatures.of_groups`, of groups whose rows come from all shards, in their order."""
        return rule(np.concatenate(rows)[:, None], groups, *by_group)

    def measure(self, version: int, measure: Measure, *by_row: NDArray[Any]) -> NDArray[Any]:
        """See `EpochFeatures.measure`, of this shard's rows."""
        return in_blocks(measure, self._table(version), *by_row)

    def group_sums(self, version: int, groups: Ints, num_groups: int) -> Ints:
        """See `EpochFeatures.group_sums`, of this shard's rows."""
        return exact_group_sums(self._table(version), groups, num_groups)

    def start_graph(self, version: int, own: ShardRows, rows: Ints | None) -> None:
        """Choose the rows of a table [n, 1, D] that are clustered now, by their places in this shard.

        None is for all of them, and needs no copy.
        """
        table = self._table(version)[:, 0]
        self._graph = None  # its memory is given back before the new one takes any
        features = table if rows is None else table[rows]
        search = ShardSearch(Rows(features, own.numbers(len(features)), own.group), self._options)
        self._graph = _ShardGraph(
            version, features, search, ShardEncoding(own, features, threads=self._options.threads)
        )

    def graph_features(self, version: int) -> Floats:
        """float32 [r, 1, D], the features of all rows that take part, for the other shards."""
        return self._graph_of(version).features[:, None]

    def squared_lengths(self, version: int) -> Doubles:
        """float64 [r], of all rows that take part; at most 1."""
        return check_lengths(self._graph_of(version).features)

    def search_own(self, version: int, spec: Distance) -> LeastSimilarities:
        """See `ShardSearch.search_own`."""
        return self._graph_of(version).search.search_own(spec)

    def search_pair(
        self,
        version: int,
        spec: Distance,
        other: ShardRows,
        features: Floats,
        least: LeastSimilarities,
        halved: HalvedSide,
    ) -> GroupedLists:
        """See `ShardSearch.search_pair`; `features` [m, 1, D] and `least` are those of the other shard's
        rows."""
        rows = Rows(features[:, 0], other.numbers(len(features)), other.group, least)
        return self._graph_of(version).search.search_pair(spec, rows, halved)

    def merged_lists(
        self, version: int, spec: Distance, *from_others: GroupedLists
    ) -> tuple[GroupedLists, SearchReport]:
        """See `ShardSearch.merged`."""
        return self._graph_of(version).search.merged(spec, from_others)

    def mutual_ranks(self, version: int, graph: GraphLists) -> tuple[Ints, MutualRanks]:
        """See `ShardEncoding.mutual_ranks`."""
        return self._graph_of(version).encoding.mutual_ranks(graph)

    def build_sets(
        self, version: int, spec: Distance, graph: GraphLists, mutual: MutualRanks, part: tuple[int, int]
    ) -> list[Ints]:
        """See `ShardEncoding.build_sets`."""
        return self._graph_of(version).encoding.build_sets(spec, graph, mutual, part)

    def features_at(self, version: int, positions: Ints) -> Floats:
        """float32 [b, D], the features of some of the rows that take part."""
        return self._graph_of(version).features[positions]

    def encode(self, version: int, graph: GraphLists, *given: Floats) -> None:
        """See `ShardEncoding.encode`."""
        self._graph_of(version).encoding.encode(graph, given)

    def request_v(self, version: int, graph: GraphLists) -> list[Ints]:
        """See `ShardEncoding.request_v`."""
        return self._graph_of(version).encoding.request_v(graph)

    def v_at(self, version: int, graph: GraphLists, positions: Ints) -> csr_array:
        """See `ShardEncoding.v_at`."""
        return self._graph_of(version).encoding.v_at(graph, positions)

    def expand(self, version: int, graph: GraphLists, *given: csr_array) -> tuple[Ints, csr_array]:
        """See `ShardEncoding.expand`."""
        return self._graph_of(version).encoding.expand(graph, given)

    def edges(self, rows: Ints, eps_max: float, v: ExpandedV) -> Edges:
        """The pairs within eps_max whose smaller row is one of the given ones, of this shard or not."""
        return jaccard_edges(rows, v[0], eps_max=eps_max, inverted=v[1], threads=self._options.threads)

    def nearest_in_views(
        self,
        version: int,
        views: tuple[Ints, Ints],
        firsts: tuple[int, int],
        num_views: int,
        features: Floats,
    ) -> Ranked:
        """For this shard's rows the most similar of another shard's rows in each of the table's U views.

        For the other arguments see `nearest_of_view`.
        """
        return shard_nearest_in_views(
            self._table(version)[:, 0], features[:, 0], query_view=views[0], shard_view=views[1],
            shard_ids=firsts[1] + np.arange(len(features)), num_views=num_views,
        )  # fmt: skip

    def peak_memory(self) -> tuple[int, int]:
        """Bytes at the peak above those before the first table, and those of the tables.

        Mapped parts of the object store are included.
        """
        self.process_peak()
        peak = self._meter.read() - self._bytes_before
        self._meter.restart()
        return peak, sum(table.rows.nbytes for table in self._tables.values())

    def process_peak(self) -> int:
        """Bytes that this process took at its peak, mapped parts of the object store included."""
        self._highest = max(self._highest, self._meter.read())
        return self._highest

    def store_peak(self) -> tuple[str, int]:
        """See `raydist.distributed.object_store.store_peak`."""
        return store_peak()

    def _graph_of(self, version: int) -> _ShardGraph:
        if self._graph is None or self._graph.version != version:
            raise ShardIsEmpty(f"no graph of table {version} was started")
        return self._graph

    def _table(self, version: int) -> Floats:
        if version not in self._tables:
            raise ShardIsEmpty(f"asked for table {version}, holding {list(self._tables)}")
        return self._tables[version].rows


def _on_a_device_that_is_here(options: SearchOptions) -> SearchOptions:
    """The same options; on the CPU where a shard was started again on a node without such a GPU."""
    if options.device is None or not options.device.startswith("cuda"):
        return options
    import torch

    number = int(options.device.removeprefix("cuda:"))
    if number < torch.cuda.device_count():
        return options
    log.warning("a feature shard finds no GPU %d on its node: it searches on the CPU", number)
    return replace(options, device=None)
