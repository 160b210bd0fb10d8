"""The graph of small Jaccard distances, computed by feature shards: who meets whom, and what is sent where.

The search is a half ring: every two shards meet once, and both take their neighbours out of the one product. Ranked lists and
the expanded V are in the object store, one copy a node; features and rows of V go to the shards that ask for them. Nothing but
references and the lists passes through this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import ray

from raydist.distributed.shards.feature_shard import Chosen, Halved, Map, assemble_mutual, assemble_v
from raydist.distributed.shards.memory import num_parts
from raydist.neighbours.jaccard.distances import DistanceSpec, RankedLists, join_lists
from raydist.neighbours.jaccard.graph import Edges
from raydist.neighbours.jaccard.locality import local_order
from raydist.neighbours.search.lists import Ranked, SearchReport
from raydist.neighbours.search.view_nearest import merge_nearest_in_views
from raydist.types import Ints

_CHUNKS = 8
"""Into how many parts the last step is cut for every shard: rows with many later partners are then spread evenly."""


class ShardedGraph:
    """Some rows of the table that the shards hold.

    Args:
        shards: actors of `FeatureShard` that hold the table.
        table: references to the features that each of them holds.
        version: of the table.
        rows: int64 [N] ascending, the chosen rows of the table; in the graph they are called 0..N-1.
        bounds: int64 [S + 1], where the table's rows of each shard begin, and where the last one's end.
        group: int64 [N], the camera or modality of the chosen rows, or None.
    """

    def __init__(
        self,
        shards: list[Any],
        table: list[Any],
        version: int,
        rows: Ints,
        *,
        bounds: Ints,
        group: Ints | None = None,
    ) -> None:
        self._shards, self._version, self._num_rows = shards, version, len(rows)
        self.cuts = np.searchsorted(rows, bounds)
        self._chosen = [
            Chosen(number, int(start), None if group is None else group[start:stop])
            for number, (start, stop) in enumerate(pairwise(self.cuts))
        ]
        if len(rows) == bounds[-1]:
            self._blocks = table
            for shard, me in zip(shards, self._chosen, strict=True):
                shard.choose_all.remote(version, me)
        else:
            self._blocks = [
                shard.choose.remote(version, rows[start:stop], me)
                for shard, me, (start, stop) in zip(shards, self._chosen, pairwise(self.cuts), strict=True)
            ]

    def edges(self, spec: DistanceSpec, *, eps_max: float, width: int) -> tuple[Edges, SearchReport]:
        """Every pair within eps_max, and what the search did; the features are D wide."""
        lists, report = self._search(spec)
        place = Map(local_order(lists.ids), self.cuts)
        shared = ray.put(place), ray.put(lists.renumbered(place.order))
        expanded = self._expanded(spec, *shared, width)
        v = assemble_v.remote(self._num_rows, *expanded)
        number = len(self._shards)
        chunks = np.array_split(np.arange(self._num_rows), _CHUNKS * number)
        dealt = [np.concatenate(chunks[s::number]) for s in range(number)]
        parts = ray.get(
            [shard.edges.remote(rows, eps_max, v) for shard, rows in zip(self._shards, dealt, strict=True)]
        )
        return Edges.join(parts).renamed(place.order), report

    def nearest_in_views(self, view: Ints) -> Ranked:
        """For every row the most similar row of each view."""
        views = [view[start:stop] for start, stop in pairwise(self.cuts)]
        num_views = int(view.max(initial=-1)) + 1
        found = []
        for shard, mine in zip(self._shards, views, strict=True):
            parts = [
                shard.nearest_in_views.remote(self._version, (mine, theirs), other, num_views, block)
                for theirs, other, block in zip(views, self._chosen, self._blocks, strict=True)
            ]
            found.append(parts)
        merged = [merge_nearest_in_views(ray.get(parts)) for parts in found]
        return np.concatenate([ids for ids, _ in merged]), np.concatenate([values for _, values in merged])

    def _search(self, spec: DistanceSpec) -> tuple[RankedLists, SearchReport]:
        """The ranked lists of all rows."""
        version, shards = self._version, self._shards
        least = [shard.search.remote(version, spec) for shard in shards]
        given: list[list[Any]] = [[] for _ in shards]
        for one, other, halved in half_ring(len(shards)):
            who = self._chosen[other], self._blocks[other], least[other]
            given[other].append(shards[one].meet.remote(version, spec, *who, halved))
        found = ray.get(
            [
                shard.neighbours.remote(version, spec, *parts)
                for shard, parts in zip(shards, given, strict=True)
            ]
        )
        total = sum((report for _, report in found), SearchReport())
        slabs = [np.arange(start, stop) for start, stop in pairwise(self.cuts)]
        return join_lists(spec, slabs, [lists for lists, _ in found]), total

    def _expanded(self, spec: DistanceSpec, place: Any, lists: Any, width: int) -> list[Any]:
        """References to the shards' rows of V after query expansion."""
        version, shards = self._version, self._shards
        mutual = assemble_mutual.remote(
            self._num_rows, *[shard.mutual.remote(version, place, lists) for shard in shards]
        )
        parts = num_parts(int(np.diff(self.cuts).max()), width)
        for part in range(parts):
            wanted = [
                self._asked(shard.needs, version, spec, place, lists, mutual, (part, parts))
                for shard in shards
            ]
            given = [
                [t.give.remote(version, p) for t, p in zip(shards, places, strict=True)] for places in wanted
            ]
            for shard, features in zip(shards, given, strict=True):
                shard.encode.remote(version, place, *features)
        seats = [self._asked(shard.seats, version, place, lists) for shard in shards]
        rows = [
            [t.give_v.remote(version, place, p) for t, p in zip(shards, places, strict=True)]
            for places in seats
        ]
        return [
            shard.expand.remote(version, place, lists, *foreign)
            for shard, foreign in zip(shards, rows, strict=True)
        ]

    def _asked(self, method: Any, *arguments: Any) -> list[Any]:
        """One reference for each shard that something is asked of."""
        references = method.options(num_returns=len(self._shards)).remote(*arguments)
        return references if len(self._shards) > 1 else [np.empty(0, np.int64)]  # one shard asks nobody


def half_ring(number: int) -> Iterator[tuple[int, int, Halved]]:
    """Who multiplies whose rows, so that every two of S shards meet once and all have equally much to do at any time.

    Opposite shards of an even ring share the work: one takes the first half of the other's rows, the other does the rest.

    Returns:
        The shard that works, the one whose rows it reads, and which of the two sides is halved.

    >>> list(half_ring(2))
    [(0, 1, 'theirs'), (1, 0, 'mine')]
    >>> list(half_ring(3))
    [(0, 1, None), (1, 2, None), (2, 0, None)]
    """
    for step in range(1, (number + 1) // 2):
        for one in range(number):
            yield one, (one + step) % number, None
    if number % 2 == 0:
        for one in range(number // 2):
            yield one, one + number // 2, "theirs"
            yield one + number // 2, one, "mine"
