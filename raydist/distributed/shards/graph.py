"""The graph of small Jaccard distances, computed by feature shards: the process that asks them, step by step.

The search is a half ring: every two shards are multiplied once, and both take their neighbours out of the one
product. Ranked lists, the expanded V and the edges are in the object store, one copy a node; features and
rows of V go to the shards that ask for them. Nothing but references passes through this process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import ray

from raydist.distributed.shards.assembly import (
    assemble_edges,
    assemble_lists,
    assemble_mutual,
    assemble_v,
)
from raydist.distributed.shards.feature_shard import ShardActor
from raydist.distributed.shards.half_ring import half_ring
from raydist.distributed.shards.layout import GraphLists, ShardRows
from raydist.distributed.shards.memory import num_parts
from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.jaccard.edges import Edges
from raydist.neighbours.search.report import SearchReport
from raydist.types import Floats, Ints

_CHUNKS = 8
"""Into how many parts the last step is cut for every shard: rows with many later partners are then spread
evenly."""


@dataclass(frozen=True)
class ShardedTable:
    """A feature table on shards.

    Attributes:
        shards: actors of `FeatureShard` with the rows of the table.
        features: asks for references to the features float32 [n_s, 1, D] of each of them, which brings them
            into the object store.
        version: of the table.
        starts: int64 [S + 1], the first row of each shard, and the number of all rows.
    """

    shards: Sequence[ShardActor]
    features: Callable[[], Sequence[ray.ObjectRef[Floats]]]
    version: int
    starts: Ints


class ShardedGraph:
    """Some rows of a table on shards.

    Args:
        table: on the shards.
        rows: int64 [N] ascending, the rows that take part; in the graph they have the numbers 0..N-1.
        group: int64 [N], the camera or modality of these rows, or None.
    """

    def __init__(self, table: ShardedTable, rows: Ints, group: Ints | None = None) -> None:
        self._shards, self._version, self._num_rows = table.shards, table.version, len(rows)
        self._starts = np.searchsorted(rows, table.starts)
        cuts = list(pairwise(self._starts))
        self._shard_rows = [
            ShardRows(shard, int(start), None if group is None else group[start:stop])
            for shard, (start, stop) in enumerate(cuts)
        ]
        all_rows = len(rows) == table.starts[-1]
        firsts = table.starts[:-1]
        for shard, own, (start, stop), first in zip(
            self._shards, self._shard_rows, cuts, firsts, strict=True
        ):
            shard.start_graph.remote(self._version, own, None if all_rows else rows[start:stop] - first)
        self._features: Sequence[ray.ObjectRef[Floats]] = (
            table.features()
            if all_rows
            else [shard.graph_features.remote(self._version) for shard in self._shards]
        )

    def edges(
        self, spec: Distance, *, eps_max: float, width: int
    ) -> tuple[ray.ObjectRef[Edges], SearchReport]:
        """A reference to every pair within eps_max, and what the search did; the features are D wide."""
        graph, reports = self._search(spec)
        v = assemble_v.remote(self._num_rows, *self._expanded(spec, graph, width))
        number = len(self._shards)
        chunks = np.array_split(np.arange(self._num_rows), _CHUNKS * number)
        dealt = [np.concatenate(chunks[s::number]) for s in range(number)]
        parts = [
            shard.edges.remote(rows, eps_max, v) for shard, rows in zip(self._shards, dealt, strict=True)
        ]
        return assemble_edges.remote(graph, *parts), sum(ray.get(reports), SearchReport())

    def _search(self, spec: Distance) -> tuple[ray.ObjectRef[GraphLists], list[ray.ObjectRef[SearchReport]]]:
        """References to the ranked lists of all rows, and to what each shard did for them."""
        version, shards = self._version, self._shards
        least = [shard.search_own.remote(version, spec) for shard in shards]
        from_others: list[list[Any]] = [[] for _ in shards]
        for own, other, halved in half_ring(len(shards)):
            block = self._shard_rows[other], self._features[other], least[other]
            from_others[other].append(shards[own].search_pair.remote(version, spec, *block, halved))
        merged = [
            shard.merged_lists.options(num_returns=2).remote(version, spec, *lists)
            for shard, lists in zip(shards, from_others, strict=True)
        ]
        squares = None
        if spec.ranking != "unit":
            squares = np.concatenate(ray.get([shard.squared_lengths.remote(version) for shard in shards]))
        graph = assemble_lists.remote(spec, self._starts, squares, *[lists for lists, _ in merged])
        return graph, [report for _, report in merged]

    def _expanded(
        self, spec: Distance, graph: ray.ObjectRef[GraphLists], width: int
    ) -> list[ray.ObjectRef[Any]]:
        """References to the new numbers of each shard's rows and their rows of V after query expansion."""
        version, shards = self._version, self._shards
        ranks = [shard.mutual_ranks.remote(version, graph) for shard in shards]
        mutual = assemble_mutual.remote(self._num_rows, *ranks)
        parts = num_parts(int(np.diff(self._starts).max()), width)
        for part in range(parts):
            # all shards are asked before one of them encodes: their first halves of the step run side by side
            wanted = [
                self._ask(shard.build_sets, version, spec, graph, mutual, (part, parts)) for shard in shards
            ]
            given = [
                [other.features_at.remote(version, p) for other, p in zip(shards, positions, strict=True)]
                for positions in wanted
            ]
            for shard, features in zip(shards, given, strict=True):
                shard.encode.remote(version, graph, *features)
        wanted = [self._ask(shard.request_v, version, graph) for shard in shards]
        rows = [
            [other.v_at.remote(version, graph, p) for other, p in zip(shards, positions, strict=True)]
            for positions in wanted
        ]
        return [
            shard.expand.remote(version, graph, *given) for shard, given in zip(shards, rows, strict=True)
        ]

    def _ask(self, method: Any, *arguments: Any) -> list[Any]:
        """Call a method that returns the positions it needs of each shard; one reference for each."""
        references = method.options(num_returns=len(self._shards)).remote(*arguments)
        return references if len(self._shards) > 1 else [np.empty(0, np.int64)]  # one shard needs no other
