"""Cross-modality retrieval of a table of features: the checked result, and ranked lists to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raydist.errors import ConfigError, DataError
from raydist.evaluation.directions import DIRECTIONS, directions
from raydist.evaluation.obstacles import find_obstacle, require_scorable
from raydist.evaluation.protocols import PLAIN, Protocol, find_protocol
from raydist.evaluation.ranking import (
    RANKS,
    BlockMap,
    QueryMetrics,
    expected_average_precision,
    mean_metrics,
    rank_gallery,
)
from raydist.evaluation.shared import Rankings
from raydist.types import Doubles, FeatureTable, Ints

PERCENT = 100.0

DirectionScores = dict[str, dict[str, float]]
"""Direction -> measure -> percent."""


@dataclass(frozen=True)
class Retrieval:
    """The metrics of one direction.

    Attributes:
        rank1, rank5, rank10, rank20: percent of queries with a match at or above that rank.
        map: mean average precision, percent.
        minp: mean inverse negative penalty, percent.
        chance_map: the `map` to expect from a random order, percent.
        map_error: the standard error of `map`, percent points; the queries of one person count as one draw.
        num_queries: queries that were scored.
        num_skipped: queries without a match in their gallery; in no mean.
        num_gallery: gallery rows, of one draw.

    Raises:
        DataError: a metric is no percentage, the ranks fall, or nothing was scored.
    """

    rank1: float
    rank5: float
    rank10: float
    rank20: float
    map: float
    minp: float
    chance_map: float
    map_error: float
    num_queries: int
    num_skipped: int
    num_gallery: int

    def __post_init__(self) -> None:
        metrics = {**self.to_dict(), "chance_map": self.chance_map, "map_error": self.map_error}
        for name, value in metrics.items():
            if not 0 <= value <= PERCENT + 1e-9:
                raise DataError(f"{name} {value}: expected a percentage")
        if not self.rank1 <= self.rank5 <= self.rank10 <= self.rank20:
            raise DataError(
                f"ranks {self.rank1}, {self.rank5}, {self.rank10}, {self.rank20}: "
                "a deeper rank cannot hit less often"
            )
        if min(self.num_queries, self.num_gallery) < 1 or self.num_skipped < 0:
            raise DataError(
                f"{self.num_queries} queries, {self.num_skipped} skipped, {self.num_gallery} gallery rows: "
                "no such counts"
            )

    def to_dict(self) -> dict[str, float]:
        """The six published metrics in percent, by name."""
        return {name: getattr(self, name) for name in ("rank1", "rank5", "rank10", "rank20", "map", "minp")}


@dataclass(frozen=True)
class SearchScores:
    """The scores of one evaluation.

    Attributes:
        retrieval: of the protocol.
        searches: name of the protocol of another search of the same data -> its scores.
    """

    retrieval: DirectionScores
    searches: Mapping[str, DirectionScores] = field(default_factory=dict)


@dataclass(frozen=True)
class RankedList:
    """The head of one query's ranking.

    Attributes:
        query_row: its row of the table.
        gallery_rows: int64 [top or fewer] rows of the table, best first, none of them ignored.
        average_precision: of the whole ranking, in 0..1; None without identities.
        hits: bool, as many as gallery rows: whether it is the query's person; None without identities.
    """

    query_row: int
    gallery_rows: Ints
    average_precision: float | None = None
    hits: NDArray[np.bool_] | None = None


def evaluate(table: FeatureTable, protocol: str | Protocol) -> dict[str, Retrieval]:
    """The metrics of both directions of cross-modality retrieval, in the mean of the protocol's galleries.

    Args:
        table: features with identities and splits.
        protocol: a protocol or its name.

    Returns:
        ``infrared_to_visible`` and ``visible_to_infrared`` -> `Retrieval`.

    Raises:
        ConfigError: there is no such protocol.
        DataError: the table cannot be scored, see `raydist.evaluation.obstacles`.
    """
    protocol = find_protocol(protocol)
    require_scorable(table, protocol)
    return _evaluate(table, protocol, Rankings(table))


def _evaluate(table: FeatureTable, protocol: Protocol, rankings: Rankings) -> dict[str, Retrieval]:
    """As `evaluate`, of a table that can be scored, with rankings that other searches may have made."""
    results = {}
    for name in DIRECTIONS:
        query_rows, gallery_rows = _sides(table, protocol, name)
        # Each draw is ranked by itself: SYSU-MM01's ten galleries hold half as many rows as what they are
        # drawn from.
        galleries = [protocol.draw(table, gallery_rows, number) for number in range(protocol.num_draws)]
        metrics = mean_metrics(
            [rankings.metrics(protocol, query_rows=query_rows, gallery_rows=rows) for rows in galleries]
        )
        results[name] = _summary(metrics, people=_identity(table)[query_rows], num_gallery=len(galleries[0]))
    return results


def scores(table: FeatureTable, protocol: str | Protocol) -> DirectionScores:
    """The metrics of both directions as plain numbers, as a run's summary has them.

    Args:
        table: see `evaluate`.
        protocol: see `evaluate`.

    Returns:
        For each direction the six metrics, ``chance_map`` and ``map_error`` in percent, and
        ``skipped_queries``.
    """
    return _as_numbers(evaluate(table, protocol))


def _as_numbers(results: Mapping[str, Retrieval]) -> DirectionScores:
    return {
        direction: result.to_dict()
        | {
            "chance_map": result.chance_map,
            "map_error": result.map_error,
            "skipped_queries": result.num_skipped,
        }
        for direction, result in results.items()
    }


def search_scores(table: FeatureTable, protocol: str | Protocol, map_blocks: BlockMap = map) -> SearchScores:
    """The `scores` of a protocol, and of the other searches of the data set that it names.

    A search that the table cannot be scored by is left out, see
    `raydist.evaluation.obstacles.unscored_searches`. What two searches share is ranked once.

    Args:
        table: see `evaluate`.
        protocol: see `evaluate`.
        map_blocks: where blocks of queries are ranked, see `raydist.evaluation.ranking.rank_metrics`.

    Raises:
        ConfigError: there is no such protocol.
        DataError: the table cannot be scored by the protocol itself.
    """
    protocol = find_protocol(protocol)
    require_scorable(table, protocol)
    others = {name: find_protocol(name) for name in protocol.beside}
    searches = {name: other for name, other in others.items() if find_obstacle(table, other) is None}
    rankings = Rankings(table, map_blocks)
    results: dict[Protocol, DirectionScores] = {}
    # The search of the most queries comes first: others may take the rankings of theirs from it.
    for search in sorted((protocol, *searches.values()), key=lambda one: -_num_rows(table, one)):
        results[search] = _as_numbers(_evaluate(table, search, rankings))
    return SearchScores(results[protocol], {name: results[other] for name, other in searches.items()})


def _num_rows(table: FeatureTable, protocol: Protocol) -> int:
    return len(protocol.select(table, np.arange(len(table))))


def ranked_lists(
    table: FeatureTable, protocol: str | Protocol, direction: str, *, num_queries: int, top: int
) -> list[RankedList]:
    """The heads of some rankings, to be looked at; of a protocol that draws several galleries, in the first.

    Args:
        table: features with identities and splits.
        protocol: a protocol or its name.
        direction: ``infrared_to_visible`` or ``visible_to_infrared``.
        num_queries: how many; they are spread evenly over the queries that have a match.
        top: gallery rows a list; fewer where the protocol leaves fewer.

    Returns:
        At most `num_queries` lists, in the order of the table.

    Raises:
        ConfigError: there is no such protocol or direction.
        DataError: as `evaluate`.
    """
    protocol = find_protocol(protocol)
    _check_direction(direction)
    require_scorable(table, protocol)
    query_rows, gallery_rows = _sides(table, protocol, direction)
    gallery_rows = protocol.draw(table, gallery_rows, 0)
    metrics = Rankings(table).metrics(protocol, query_rows=query_rows, gallery_rows=gallery_rows)
    shown = evenly_spaced(len(metrics.query), num_queries)
    rows = query_rows[metrics.query[shown]]
    heads = _heads(table, protocol, rows, gallery_rows, top=top)
    identity = _identity(table)
    return [
        RankedList(int(row), head, float(precision), identity[head] == identity[row])
        for row, head, precision in zip(rows, heads, metrics.average_precision[shown], strict=True)
    ]


def unmarked_lists(table: FeatureTable, direction: str, *, num_queries: int, top: int) -> list[RankedList]:
    """The heads of some rankings of a table that cannot be scored: nothing is removed or marked.

    Args:
        table: features with splits.
        direction, num_queries, top: see `ranked_lists`.

    Returns:
        At most `num_queries` lists, without precision and hits.

    Raises:
        ConfigError: there is no such direction.
        DataError: there is no query, no gallery, or only one modality.
    """
    _check_direction(direction)
    query_rows, gallery_rows = directions(table)[direction]
    rows = query_rows[evenly_spaced(len(query_rows), num_queries)]
    heads = _heads(table, PLAIN, rows, gallery_rows, top=top)
    return [RankedList(int(row), head) for row, head in zip(rows, heads, strict=True)]


def _check_direction(direction: str) -> None:
    if direction not in DIRECTIONS:
        raise ConfigError(f"direction {direction!r}: expected one of {', '.join(DIRECTIONS)}")


def evenly_spaced(count: int, wanted: int) -> Ints:
    """At most `wanted` of `count` positions, at equal distances, the first and the last among them.

    >>> evenly_spaced(9, 3).tolist(), evenly_spaced(2, 5).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.unique(np.linspace(0, count - 1, wanted).round().astype(np.int64))


def _heads(
    table: FeatureTable, protocol: Protocol, query_rows: Ints, gallery_rows: Ints, *, top: int
) -> list[Ints]:
    """The first `top` gallery rows of each query that the protocol does not ignore."""
    gallery = table.features[gallery_rows].astype(np.float64)
    heads = []
    for row in query_rows:
        ignored = protocol.ignore(table, row[None], gallery_rows)
        order = rank_gallery(table.features[row[None]], gallery, ignored=ignored)[0]
        heads.append(gallery_rows[order[~ignored[0, order]][:top]])
    return heads


def _identity(table: FeatureTable) -> Ints:
    """Identities of a table that can be scored."""
    assert table.identity is not None
    return table.identity


def _sides(table: FeatureTable, protocol: Protocol, direction: str) -> tuple[Ints, Ints]:
    """Query rows and gallery rows of a direction that take part."""
    query_rows, gallery_rows = (protocol.select(table, rows) for rows in directions(table)[direction])
    return query_rows, gallery_rows


def _standard_error(values: Doubles, people: Ints) -> float:
    """The standard error of a mean, where the values of one person are not independent (cluster-robust)."""
    groups = np.unique(people, return_inverse=True)[1]
    return float(np.sqrt((np.bincount(groups, values - values.mean()) ** 2).sum()) / len(values))


def _summary(metrics: QueryMetrics, *, people: Ints, num_gallery: int) -> Retrieval:
    """Means over the valid queries, in percent."""
    cmc = dict(zip(RANKS, PERCENT * metrics.cmc.mean(axis=0), strict=True))
    chance = expected_average_precision(metrics.num_relevant, metrics.num_candidates)
    return Retrieval(
        **{f"rank{rank}": float(value) for rank, value in cmc.items()},
        map=float(PERCENT * metrics.average_precision.mean()),
        minp=float(PERCENT * metrics.inp.mean()),
        chance_map=float(PERCENT * chance.mean()),
        map_error=PERCENT * _standard_error(metrics.average_precision, people[metrics.query]),
        num_queries=len(metrics.query),
        num_skipped=metrics.num_skipped,
        num_gallery=num_gallery,
    )
