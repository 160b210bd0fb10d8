"""Feature shards: Ray actors that hold the rows of a feature table and compute neighbours, distances and edges of them.

A shard knows no mathematics of its own: each step calls a function of `raydist.neighbours` on its rows. An actor never waits
for another actor, so they cannot block each other. `raydist.distributed.refresh` asks the questions and joins the parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import ray
from scipy.sparse import csr_array, vstack

from raydist.neighbours.distance import DistanceSpec, RankedLists
from raydist.neighbours.jaccard import Edges, jaccard_edges, merge_lists, search_lists
from raydist.neighbours.reciprocal import expand_rows, reciprocal_sets, v_rows
from raydist.neighbours.search import Ranked
from raydist.types import Floats, Ints


class ShardIsEmpty(RuntimeError):
    """A shard was started again and has lost its rows."""


class FeatureShard:
    """Consecutive rows of a feature table, and the steps of clustering on the chosen ones among them.

    Attributes:
        version: which table the rows are of; -1 before the first.
    """

    def __init__(self) -> None:
        self.version = -1
        self._first = 0
        self._features: Floats = np.empty((0, 0), np.float32)
        self._chosen: Floats = self._features

    def hold(self, version: int, first: int, features: Floats) -> None:
        """Take rows `first` and following of a table."""
        self.version, self._first, self._features = version, first, features

    def choose(self, version: int, rows: Ints) -> Floats:
        """Choose the rows of the table that are clustered now; their features, for the other shards."""
        self._check(version)
        self._chosen = self._features[rows - self._first]
        return self._chosen

    def search(
        self, version: int, spec: DistanceSpec, slabs: list[Ints], mine: int, group: Ints | None, *blocks: Floats
    ) -> tuple[Ranked, Ranked]:
        """The neighbours of this shard's chosen rows among those of all shards."""
        self._check(version)
        rows, parts = slabs[mine], []
        for shard, block in zip(slabs, blocks, strict=True):
            groups = None if group is None else (group[rows], group[shard])
            parts.append(search_lists(rows, shard, (self._chosen, block), spec, groups))
        return merge_lists(parts, spec)

    def encode(self, version: int, spec: DistanceSpec, rows: Ints, lists: RankedLists, *blocks: Floats) -> csr_array:
        """The rows of V of this shard's chosen rows."""
        self._check(version)
        return v_rows(reciprocal_sets(rows, lists.tables, half=spec.half), self._chosen, np.concatenate(blocks))

    def expand(self, rows: Ints, lists: RankedLists, *v: csr_array) -> csr_array:
        """The same rows after query expansion."""
        return expand_rows(lists.seats[rows], lists.shares[rows], vstack(v, format="csr"))

    def edges(self, rows: Ints, eps_max: float, *v: csr_array) -> Edges:
        """The pairs whose smaller row is one of these."""
        return jaccard_edges(rows, vstack(v, format="csr"), eps_max=eps_max)

    def _check(self, version: int) -> None:
        if version != self.version:
            raise ShardIsEmpty(f"asked for table {version}, holding {self.version}")


def start_shards(number: int) -> list[Any]:
    """The shards as actors, spread over the nodes, in no placement group (inside a Tune trial one would dead-lock)."""
    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=1)(FeatureShard)
    return [actor.options(scheduling_strategy="SPREAD").remote() for _ in range(number)]
