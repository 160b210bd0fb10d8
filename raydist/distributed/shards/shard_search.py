"""The search for the neighbours of one shard's rows: among themselves, and in pairs with other shards."""

from __future__ import annotations

from dataclasses import replace

from raydist.distributed.shards.half_ring import HalvedSide
from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.jaccard.graph import merge_lists
from raydist.neighbours.search.lists import neighbour_lists, pair_lists
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import (
    GroupedLists,
    LeastSimilarities,
    Ranked,
    empty_lists,
    last_similarities,
)
from raydist.neighbours.search.raw import lists_by_distance
from raydist.neighbours.search.report import SearchReport
from raydist.neighbours.search.rows import Rows


class ShardSearch:
    """The neighbours of a shard's rows: `search_own` once, `search_pair` with some shards, then `merged`.

    Args:
        rows: of this shard, with their numbers in the graph.
        options: of the search.
    """

    def __init__(self, rows: Rows, options: SearchOptions) -> None:
        self._rows, self._options = rows, options
        self._lists: list[GroupedLists] = []
        self._report = SearchReport()

    def search_own(self, spec: Distance) -> LeastSimilarities:
        """Search among the own rows; how similar rows of other shards must be to matter to them."""
        wanted = {"num_within": spec.num_within, "num_across": spec.num_across}
        if spec.ranking == "distance":
            lists, report = self._by_distance(spec, self._rows, self._rows), SearchReport()
        else:
            rows = self._rows
            lists, report = neighbour_lists(
                rows.features, group=rows.group, ids=rows.ids, options=self._options, **wanted
            )
        self._add(lists, report)
        least = last_similarities(lists, **wanted)
        self._rows = replace(self._rows, least=least)
        return least

    def search_pair(self, spec: Distance, other: Rows, halved: HalvedSide) -> GroupedLists:
        """Multiply with another shard's rows; the own rows' neighbours are collected, the other's returned.

        Args:
            spec: the distance.
            other: rows of the other shard.
            halved: see `half_ring`.
        """
        own_part = slice(len(self._rows) // 2 if halved == "own" else 0, len(self._rows))
        other_part = slice(0, len(other) // 2 if halved == "other" else len(other))
        own_rows, other_rows = self._rows.take(own_part), other.take(other_part)
        if spec.ranking == "distance":
            own_lists = self._by_distance(spec, own_rows, other_rows)
            other_lists, report = self._by_distance(spec, other_rows, own_rows), SearchReport()
        else:
            own_lists, other_lists, report = pair_lists(
                own_rows, other_rows, num_within=spec.num_within, num_across=spec.num_across,
                options=self._options,
            )  # fmt: skip
        self._add(_padded(own_lists, own_part, len(self._rows)), report)
        return _padded(other_lists, other_part, len(other))

    def merged(
        self, spec: Distance, from_others: tuple[GroupedLists, ...]
    ) -> tuple[GroupedLists, SearchReport]:
        """The neighbours of the own rows in the whole graph, and what this shard did; frees its lists.

        Args:
            spec: the distance.
            from_others: the lists that other shards returned for the own rows.
        """
        lists, self._lists = merge_lists([*self._lists, *from_others], spec), []
        return lists, self._report

    def _by_distance(self, spec: Distance, rows: Rows, others: Rows) -> GroupedLists:
        return lists_by_distance(
            rows, others, num_within=spec.num_within, num_across=spec.num_across, options=self._options
        )

    def _add(self, lists: GroupedLists, report: SearchReport) -> None:
        self._lists.append(lists)
        self._report += report


def _padded(lists: GroupedLists, part: slice, num_rows: int) -> GroupedLists:
    """The lists of some consecutive rows as those of all rows; the others' are all padding."""

    def padded(ranked: Ranked) -> Ranked:
        ids, similarities = empty_lists(num_rows, ranked[0].shape[1])
        ids[part], similarities[part] = ranked
        return ids, similarities

    return padded(lists[0]), padded(lists[1])
