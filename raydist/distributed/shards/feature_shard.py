"""Feature shards: Ray actors that hold the rows of a feature table and compute neighbours, distances and edges of them.

A shard knows no mathematics of its own: each step calls a function of `raydist.neighbours` on its rows. An actor never waits
for another actor, so they cannot block each other. `raydist.distributed.shards.graph` asks the questions, in this order:

    choose -> search, meet (half ring) -> neighbours -> mutual -> needs, give -> encode -> seats, give_v -> expand -> edges

What all shards read is in the object store, once a node; what only a few rows of are wanted is sent on demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import ray
from scipy.sparse import csc_array, csr_array

from raydist.benchmarks.measure import peak_meter
from raydist.neighbours.jaccard.distances import DistanceSpec, RankedLists
from raydist.neighbours.jaccard.graph import Edges, jaccard_edges, merge_lists
from raydist.neighbours.jaccard.reciprocal import (
    MutualRanks,
    expand_rows,
    mutual_ranks,
    reciprocal_sets,
    v_rows,
)
from raydist.neighbours.jaccard.slabs import sparse_rows, stack_rows
from raydist.neighbours.search.lists import (
    PADDING,
    GroupedLists,
    Ranked,
    SearchReport,
    last_similarities,
    neighbour_lists,
    pair_lists,
)
from raydist.neighbours.search.view_nearest import shard_nearest_in_views
from raydist.types import Doubles, Floats, Ints


class ShardIsEmpty(RuntimeError):
    """A shard was started again and has lost its rows."""


@dataclass(frozen=True)
class Chosen:
    """The rows of one shard that take part in a graph.

    Attributes:
        number: which shard.
        first: what its first row is called in the graph; the others are called by the numbers that follow.
        group: int64 [r], cameras or modalities, or None.
    """

    number: int
    first: int
    group: Ints | None


@dataclass(frozen=True)
class Map:
    """Where the rows of a graph are, after they were put in an order that keeps neighbours together.

    Attributes:
        order: int64 [N], the row that is called r in the new order, for every r.
        cuts: int64 [S + 1], where the old rows of each shard begin, and where the last one's end.
    """

    order: Ints
    cuts: Ints

    def of_shard(self, number: int) -> Ints:
        """The new names of a shard's rows, ascending."""
        return np.flatnonzero((self.order >= self.cuts[number]) & (self.order < self.cuts[number + 1]))

    def owners(self, rows: Ints) -> list[Ints]:
        """The given new names, shard by shard."""
        owner = np.searchsorted(self.cuts, self.order[rows], side="right") - 1
        return [rows[owner == number] for number in range(len(self.cuts) - 1)]

    def places(self, rows: Ints, number: int) -> Ints:
        """Where rows of a shard are among its chosen features."""
        return self.order[rows] - self.cuts[number]


Least = tuple[Doubles, Doubles]

Halved = Literal["mine", "theirs"] | None
"""Whose rows are cut in half at a meeting of two shards."""


class FeatureShard:
    """Consecutive rows of a feature table, and the steps of clustering on the chosen ones among them.

    Args:
        threads: how many threads each step may use.
        memory_budget: bytes that a search may take beside the features; None for no bound.

    Attributes:
        version: which table the rows are of; -1 before the first.
    """

    def __init__(self, threads: int = 1, memory_budget: int | None = None) -> None:
        self.version = -1
        self._threads, self._budget = threads, memory_budget
        self._first = 0
        self._features: Floats = np.empty((0, 0), np.float32)
        self._chosen: Floats = self._features
        self._me = Chosen(0, 0, None)
        self._found: list[GroupedLists] = []
        self._least: Least = (np.empty(0), np.empty(0))
        self._report = SearchReport()
        self._sets, self._v = csr_array((0, 0)), list[csr_array]()
        self._rows = self._mine = np.empty(0, np.int64)
        self._wanted: list[Ints] = []
        self._meter, self._before = peak_meter(), 0

    def set_features(self, version: int, first: int, features: Floats) -> None:
        """Take rows `first` and following of a table."""
        self.version, self._first, self._features = version, first, features
        self._meter.restart()
        self._before = self._meter.read()

    def choose(self, version: int, rows: Ints, me: Chosen) -> Floats:
        """Choose the rows of the table that are clustered now; their features, for the other shards."""
        self._check(version)
        self._begin(me, self._features[rows - self._first])
        return self._chosen

    def choose_all(self, version: int, me: Chosen) -> None:
        """Choose all rows, without a copy."""
        self._check(version)
        self._begin(me, self._features)

    def search(self, version: int, spec: DistanceSpec) -> Least:
        """Find neighbours among this shard's own rows; how similar others must be to matter."""
        self._check(version)
        found, report = neighbour_lists(
            self._chosen, num_within=spec.num_within, num_across=spec.num_across, group=self._me.group, ids=self._names(),
            threads=self._threads, memory_budget=self._budget,
        )  # fmt: skip
        self._note(found, report)
        self._least = last_similarities(found, num_within=spec.num_within, num_across=spec.num_across)
        return self._least

    def meet(
        self, version: int, spec: DistanceSpec, other: Chosen, block: Floats, least: Least, halved: Halved
    ) -> GroupedLists:
        """Multiply with another shard's rows; keep what was found for the own rows, return what was for the others.

        Args:
            version: of the table.
            spec: the distance.
            other: the other shard.
            block: its rows.
            least: how similar rows must be to matter to them.
            halved: ``theirs`` for the first half of its rows alone, ``mine`` for the second half of the own ones.
        """
        self._check(version)
        mine = slice(len(self._chosen) // 2 if halved == "mine" else 0, len(self._chosen))
        theirs = slice(0, len(block) // 2 if halved == "theirs" else len(block))
        groups = [
            None if one.group is None else one.group[side]
            for one, side in ((self._me, mine), (other, theirs))
        ]
        near, far, report = pair_lists(
            self._chosen[mine], block[theirs], num_within=spec.num_within, num_across=spec.num_across,
            left_ids=self._names()[mine], right_ids=(other.first + np.arange(len(block)))[theirs],
            left_group=groups[0], right_group=groups[1],
            left_least=(self._least[0][mine], self._least[1][mine]), right_least=(least[0][theirs], least[1][theirs]),
            threads=self._threads, memory_budget=self._budget,
        )  # fmt: skip
        self._note(_spread(near, mine, len(self._chosen)), report)
        return _spread(far, theirs, len(block))

    def neighbours(
        self, version: int, spec: DistanceSpec, *parts: GroupedLists
    ) -> tuple[GroupedLists, SearchReport]:
        """The neighbours of this shard's rows in the whole graph, with what other shards have found for them."""
        self._check(version)
        found, self._found = merge_lists([*self._found, *parts], spec), []
        return found, self._report

    def mutual(self, version: int, place: Map, lists: RankedLists) -> tuple[Ints, MutualRanks]:
        """The mutual ranks of this shard's rows, and which rows these are."""
        self._check(version)
        rows = place.of_shard(self._me.number)
        return rows, mutual_ranks(rows, lists, threads=self._threads)

    def needs(
        self,
        version: int,
        spec: DistanceSpec,
        place: Map,
        lists: RankedLists,
        mutual: MutualRanks,
        part: tuple[int, int],
    ) -> list[Ints]:
        """The reciprocal sets of one part of this shard's rows; whose features of other shards they need, by their places."""
        self._check(version)
        self._rows = np.array_split(place.of_shard(self._me.number), part[1])[part[0]]
        self._sets = reciprocal_sets(self._rows, lists, mutual, half=spec.half, threads=self._threads)
        unknown = np.unique(self._sets.indices[np.isnan(self._sets.data)]).astype(np.int64)
        return self._ask(place, unknown)

    def give(self, version: int, places: Ints) -> Floats:
        """Features of some chosen rows."""
        self._check(version)
        return self._chosen[places]

    def encode(self, version: int, place: Map, *given: Floats) -> None:
        """Rows of V of the part at hand, with the features that other shards have given."""
        self._check(version)
        own = np.union1d(self._rows, self._mine)
        names = np.concatenate([own, *self._wanted])
        where = np.full(len(place.order), PADDING)
        where[names] = np.arange(len(names))
        features = np.concatenate([self._chosen[place.places(own, self._me.number)], *given])
        self._v.append(v_rows(self._sets, self._rows, features, names=where, threads=self._threads))
        self._sets = csr_array((0, 0))

    def seats(self, version: int, place: Map, lists: RankedLists) -> list[Ints]:
        """The rows of V of every other shard that the expansion of this shard's rows averages over, by its places."""
        self._check(version)
        self._v = [stack_rows(self._v)] if self._v else []
        seats = np.unique(lists.expansion_ids[place.of_shard(self._me.number)]).astype(np.int64)
        return self._ask(place, seats[seats != PADDING])

    def give_v(self, version: int, place: Map, places: Ints) -> csr_array:
        """Rows of V of some chosen rows."""
        self._check(version)
        at = np.empty(len(self._chosen), np.int64)
        at[place.places(place.of_shard(self._me.number), self._me.number)] = np.arange(len(self._chosen))
        return self._encoded()[at[places]]

    def expand(
        self, version: int, place: Map, lists: RankedLists, *given: csr_array
    ) -> tuple[Ints, csr_array]:
        """This shard's rows of V after query expansion, and which rows these are."""
        self._check(version)
        mine = place.of_shard(self._me.number)
        known = rows_in_place([mine, *self._wanted], [self._encoded(), *given], len(place.order))
        self._v = []
        return mine, expand_rows(mine, lists, known, threads=self._threads)

    def edges(self, rows: Ints, eps_max: float, v: tuple[csr_array, csc_array]) -> Edges:
        """The pairs whose smaller row is one of these."""
        return jaccard_edges(rows, v[0], eps_max=eps_max, inverted=v[1], threads=self._threads)

    def nearest_in_views(
        self, version: int, view: tuple[Ints, Ints], other: Chosen, num_views: int, block: Floats
    ) -> Ranked:
        """The most similar of another shard's rows in each view, for this shard's rows."""
        self._check(version)
        return shard_nearest_in_views(
            self._chosen, block, query_view=view[0], shard_view=view[1],
            shard_ids=other.first + np.arange(len(block)), num_views=num_views,
        )  # fmt: skip

    def peak(self) -> int:
        """Bytes at the peak above those in use when the table came, what is mapped of the object store included."""
        peak = self._meter.read() - self._before
        self._meter.restart()
        return peak

    def _ask(self, place: Map, rows: Ints) -> list[Ints]:
        """Remember which rows are asked for, the own ones apart; the places of the others, shard by shard."""
        self._wanted = place.owners(rows)
        self._mine, self._wanted[self._me.number] = self._wanted[self._me.number], np.empty(0, np.int64)
        return [place.places(wanted, number) for number, wanted in enumerate(self._wanted)]

    def _begin(self, me: Chosen, chosen: Floats) -> None:
        self._me, self._chosen = me, chosen
        self._found, self._v, self._report = [], [], SearchReport()

    def _encoded(self) -> csr_array:
        """V of all chosen rows."""
        if len(self._v) != 1 or self._v[0].shape[0] != len(self._chosen):
            raise ShardIsEmpty("the rows of V were not made: a shard that they need was lost")
        return self._v[0]

    def _names(self) -> Ints:
        return self._me.first + np.arange(len(self._chosen))

    def _note(self, found: GroupedLists, report: SearchReport) -> None:
        self._found.append(found)
        self._report += report

    def _check(self, version: int) -> None:
        if version != self.version:
            raise ShardIsEmpty(f"asked for table {version}, holding {self.version}")


def rows_in_place(names: list[Ints], parts: list[csr_array], num_rows: int) -> csr_array:
    """The CSR [N, N] that holds the given rows under their names and nothing in all others.

    Args:
        names: int64 [r] for each part, what its rows are called; no row is given twice.
        parts: CSR [r, N] each.
        num_rows: N.
    """
    name, stacked = np.concatenate(names), stack_rows(list(parts))
    order = np.argsort(name, kind="stable")
    sizes = np.zeros(num_rows, np.int64)
    sizes[name] = np.diff(stacked.indptr)
    rows = stacked if (order == np.arange(len(order))).all() else stacked[order]
    return sparse_rows(np.concatenate(([0], sizes.cumsum())), rows.indices, rows.data, num_columns=num_rows)


def _spread(lists: GroupedLists, rows: slice, num_rows: int) -> GroupedLists:
    """The lists of some rows as those of all rows; the others' are empty."""

    def spread(ranked: Ranked) -> Ranked:
        ids, similarities = (
            np.full((num_rows, ranked[0].shape[1]), PADDING),
            np.full((num_rows, ranked[0].shape[1]), -np.inf),
        )
        ids[rows], similarities[rows] = ranked
        return ids, similarities

    return spread(lists[0]), spread(lists[1])


@ray.remote(num_cpus=0)
def assemble_mutual(num_rows: int, *parts: tuple[Ints, MutualRanks]) -> MutualRanks:
    """The mutual ranks of all rows, out of those of every shard: one copy a node."""
    whole = np.empty((num_rows, parts[0][1].shape[1]), np.uint16)
    for rows, ranks in parts:
        whole[rows] = ranks
    return whole


@ray.remote(num_cpus=0)
def assemble_v(num_rows: int, *parts: tuple[Ints, csr_array]) -> tuple[csr_array, csc_array]:
    """V of all rows after expansion, by rows and by columns, out of the rows of every shard: one copy a node."""
    v = rows_in_place([rows for rows, _ in parts], [part for _, part in parts], num_rows)
    return v, v.tocsc()


def start_shards(number: int, *, threads: int = 1, memory_budget: int | None = None) -> list[Any]:
    """The shards as actors, spread over the nodes, in no placement group (inside a Tune trial one would dead-lock)."""
    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=1)(FeatureShard)
    return [actor.options(scheduling_strategy="SPREAD").remote(threads, memory_budget) for _ in range(number)]
