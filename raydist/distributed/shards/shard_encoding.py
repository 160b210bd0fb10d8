"""The rows of V of one shard: reciprocal sets, their encoding, and query expansion over rows of all shards.

The features of members of a set, and the rows of V that are averaged over, may belong to other shards. So
each of the two steps is cut in two: the first says which rows are needed of which shard, the second takes
them and computes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from raydist.distributed.shards.assembly import rows_in_place
from raydist.distributed.shards.layout import GraphLists, RowRequest, ShardIsEmpty, ShardRows
from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.jaccard.reciprocal import (
    MutualRanks,
    expand_rows,
    mutual_ranks,
    reciprocal_sets,
    v_rows,
)
from raydist.neighbours.jaccard.slabs import stack_rows
from raydist.neighbours.search.ranked import PADDING
from raydist.types import Floats, Ints


@dataclass(frozen=True)
class _PendingSets:
    """The reciprocal sets of some rows, while features that they need are on their way.

    Attributes:
        rows: int64 [p], their new numbers.
        sets: CSR [p, N].
        request: the rows whose features are needed.
    """

    rows: Ints
    sets: csr_array
    request: RowRequest


class ShardEncoding:
    """Computes a shard's rows of V: for each part `build_sets` and `encode`, then `request_v` and `expand`.

    Args:
        own: which rows of the graph the shard has.
        features: float32 [r, D], of these rows.
        threads: how many work at once.
    """

    def __init__(self, own: ShardRows, features: Floats, *, threads: int) -> None:
        self._shard, self._features, self._threads = own.shard, features, threads
        self._pending: _PendingSets | None = None
        self._v: list[csr_array] = []  # of the parts that are encoded
        self._v_request: RowRequest | None = None

    def mutual_ranks(self, graph: GraphLists) -> tuple[Ints, MutualRanks]:
        """The new numbers of the shard's rows, int64 [r], and their mutual ranks, uint16 [r, K]."""
        rows = graph.layout.rows_of(self._shard)
        return rows, mutual_ranks(rows, graph.lists, threads=self._threads)

    def build_sets(
        self, spec: Distance, graph: GraphLists, mutual: MutualRanks, part: tuple[int, int]
    ) -> list[Ints]:
        """Build the reciprocal sets of one part of the shard's rows, and ask for the features that they need.

        Args:
            spec: the distance.
            graph: the ranked lists of all rows.
            mutual: uint16 [N, K], the mutual ranks of all rows.
            part: the number of the part, and into how many the rows are cut.

        Returns:
            For each shard the positions of the features that are needed of it, int64 [b_s].
        """
        layout = graph.layout
        rows = np.array_split(layout.rows_of(self._shard), part[1])[part[0]]
        sets = reciprocal_sets(rows, graph.lists, mutual, half=spec.half, threads=self._threads)
        unknown = np.unique(sets.indices[np.isnan(sets.data)]).astype(np.int64)
        request = layout.request(unknown, by=self._shard)
        self._pending = _PendingSets(rows, sets, request)
        return layout.requested_positions(request)

    def encode(self, graph: GraphLists, given: tuple[Floats, ...]) -> None:
        """Compute the rows of V of the part whose sets were built last.

        Args:
            graph: the ranked lists of all rows.
            given: float32 [b_s, D] of each shard, the features that were asked for.
        """
        if self._pending is None:
            raise ShardIsEmpty("no sets were built: a shard that they need was lost")
        pending, self._pending = self._pending, None
        own = np.union1d(pending.rows, pending.request.own)
        rows = np.concatenate([own, *pending.request.others])
        place = np.full(len(graph.layout.order), PADDING)  # of each row's feature in the table below
        place[rows] = np.arange(len(rows))
        features = np.concatenate([self._features[graph.layout.positions(own, self._shard)], *given])
        self._v.append(v_rows(pending.sets, pending.rows, features, places=place, threads=self._threads))

    def request_v(self, graph: GraphLists) -> list[Ints]:
        """Ask for the rows of V that the expansion of the shard's rows averages over.

        Returns:
            For each shard the positions of the rows that are needed of it, int64 [b_s].
        """
        self._v = [stack_rows(self._v)] if self._v else []
        averaged = np.unique(graph.lists.expansion_ids[graph.layout.rows_of(self._shard)]).astype(np.int64)
        self._v_request = graph.layout.request(averaged[averaged != PADDING], by=self._shard)
        return graph.layout.requested_positions(self._v_request)

    def v_at(self, graph: GraphLists, positions: Ints) -> csr_array:
        """CSR [b, N], the rows of V at some positions of the shard's features."""
        row_of_position = np.empty(len(self._features), np.int64)
        rows = graph.layout.rows_of(self._shard)
        row_of_position[graph.layout.positions(rows, self._shard)] = np.arange(len(self._features))
        return self._all_v()[row_of_position[positions]]

    def expand(self, graph: GraphLists, given: tuple[csr_array, ...]) -> tuple[Ints, csr_array]:
        """Query expansion; V before it is freed.

        Args:
            graph: the ranked lists of all rows.
            given: CSR [b_s, N] of each shard, the rows of V that were asked for.

        Returns:
            The new numbers of the shard's rows, int64 [r], and their rows of V, CSR [r, N].
        """
        if self._v_request is None:
            raise ShardIsEmpty("no rows of V were asked for: a shard that they need was lost")
        rows, others = graph.layout.rows_of(self._shard), self._v_request.others
        known = rows_in_place([rows, *others], [self._all_v(), *given], len(graph.layout.order))
        self._v, self._v_request = [], None
        return rows, expand_rows(rows, graph.lists, known, threads=self._threads)

    def _all_v(self) -> csr_array:
        """V of all rows of the shard."""
        if len(self._v) != 1 or self._v[0].shape[0] != len(self._features):
            raise ShardIsEmpty("the rows of V were not made: a shard that they need was lost")
        return self._v[0]
