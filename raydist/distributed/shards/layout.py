"""Which rows of a graph are where: on which shard, and under which number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raydist.neighbours.jaccard.ranked_lists import RankedLists
from raydist.types import Ints


class ShardIsEmpty(RuntimeError):
    """A shard was started again and has lost its rows."""


@dataclass(frozen=True)
class ShardRows:
    """The rows of one shard that take part in a graph.

    Attributes:
        shard: its number, 0..S-1.
        first: the number of its first row in the graph; the others have the numbers that follow.
        group: int64 [r], cameras or modalities, or None.
    """

    shard: int
    first: int
    group: Ints | None

    def numbers(self, num_rows: int) -> Ints:
        """int64 [r], the numbers of its r rows in the graph."""
        return self.first + np.arange(num_rows)


@dataclass(frozen=True)
class RowRequest:
    """Rows that a step of one shard needs, in their new numbers.

    Attributes:
        own: int64 [a], rows of the shard itself.
        others: int64 [b_s] for each of the S shards, rows of that shard; none of the asking one.
    """

    own: Ints
    others: list[Ints]


@dataclass(frozen=True)
class RowLayout:
    """Where the rows of a graph are, after they were renumbered so that neighbours lie together.

    Attributes:
        order: int64 [N], the old number of the row that has the new number r, for every r.
        starts: int64 [S + 1], the first old number of each shard, and N.
    """

    order: Ints
    starts: Ints

    def rows_of(self, shard: int) -> Ints:
        """The new numbers of a shard's rows, ascending."""
        return np.flatnonzero((self.order >= self.starts[shard]) & (self.order < self.starts[shard + 1]))

    def positions(self, rows: Ints, shard: int) -> Ints:
        """Where rows of a shard, in new numbers, are among its features."""
        return self.order[rows] - self.starts[shard]

    def request(self, rows: Ints, *, by: int) -> RowRequest:
        """The given rows, in new numbers, as a request by one of the shards."""
        owner = np.searchsorted(self.starts, self.order[rows], side="right") - 1
        others = [rows[owner == shard] for shard in range(len(self.starts) - 1)]
        own, others[by] = others[by], np.empty(0, np.int64)
        return RowRequest(own, others)

    def requested_positions(self, request: RowRequest) -> list[Ints]:
        """Where the rows of a request are among the features of each shard."""
        return [self.positions(rows, shard) for shard, rows in enumerate(request.others)]


@dataclass(frozen=True)
class GraphLists:
    """The ranked lists of all rows of a graph, one copy a node.

    Attributes:
        layout: where the rows are.
        lists: of all N rows, in their new numbers.
    """

    layout: RowLayout
    lists: RankedLists
