"""Rankings of a gallery and their metrics: average precision, CMC and INP, a block of queries at a time.

The order is the same everywhere: similarity downwards, and among equal similarities the gallery row
upwards. Similarities are taken in float64 and rounded to nine decimals, so that equal features tie
however the queries are cut into blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from raydist.errors import DataError, FeatureError
from raydist.plurals import counted
from raydist.types import UNKNOWN_IDENTITY, Doubles, Floats, Ints

RANKS = (1, 5, 10, 20)
"""The depths at which the cumulative matching characteristic is read."""

SIMILARITIES_AT_ONCE = 1 << 22
"""How many similarities a block may hold when no block size is asked for."""

DECIMALS = 9

Mask = NDArray[np.bool_]

BlockMap = Callable[[Callable[[int], Any], Iterable[int]], Iterable[Any]]
"""Where blocks are ranked: from a function of the first query of a block and the first queries of all blocks
to what it gives for each of them, in their order. The built-in `map` does so in this process."""


@dataclass(frozen=True)
class QueryMetrics:
    """The metrics of V valid queries; a query is valid if the gallery holds a match that is not ignored.

    Attributes:
        query: int64 [V], which of the given queries they are.
        average_precision: float64 [V] in 0..1.
        inp: float64 [V] in 0..1, the inverse negative penalty: number of matches / rank of the last one.
        cmc: bool [V, len(RANKS)], whether a match stands at or above each of `RANKS`; in a `mean_metrics`
            float64, the share of the galleries where one does.
        num_relevant: int64 [V], matches of the query.
        num_candidates: int64 [V], gallery rows that are not ignored.
        num_skipped: how many queries were not valid.
    """

    query: Ints
    average_precision: Doubles
    inp: Doubles
    cmc: Mask | Doubles
    num_relevant: Ints
    num_candidates: Ints
    num_skipped: int


def rank_metrics(
    queries: Floats,
    gallery: Floats,
    *,
    query_identity: Ints,
    gallery_identity: Ints,
    ignore: Callable[[Ints], Mask],
    deduplicate: bool = False,
    block: int | None = None,
    map_blocks: BlockMap = map,
) -> QueryMetrics:
    """Rank the gallery for every query and score each ranking.

    Args:
        queries: float32 [Q, D], unit rows.
        gallery: float32 [G, D], unit rows.
        query_identity: int64 [Q]; a query of `UNKNOWN_IDENTITY` matches nothing.
        gallery_identity: int64 [G].
        ignore: from q query rows (int64 [q]) to bool [q, G], true where a gallery row is left out of that
            ranking.
        deduplicate: whether every person counts once in the CMC, see `person_rank`.
        block: queries at a time; by default so many that a block holds `SIMILARITIES_AT_ONCE` similarities.
        map_blocks: where; the scores are the same anywhere.

    Returns:
        The scores of the valid queries, in the order of the queries.

    Raises:
        FeatureError: queries and gallery differ in width.
        DataError: no query has a match.
    """
    if queries.shape[1] != gallery.shape[1]:
        raise FeatureError(
            f"queries of width {queries.shape[1]}, gallery of width {gallery.shape[1]}: "
            "embed both with one encoder"
        )
    block = block or max(1, SIMILARITIES_AT_ONCE // max(1, len(gallery)))
    ranked = map_blocks(
        _BlockRanking(
            queries=queries,
            gallery=np.asarray(gallery, np.float64),
            query_identity=query_identity,
            gallery_identity=gallery_identity,
            ignore=ignore,
            deduplicate=deduplicate,
            block=block,
        ),
        range(0, len(queries), block),
    )
    parts = [part for part in ranked if part]
    if not parts:
        raise DataError(
            f"none of the {counted(len(queries), 'query')} has a match among the "
            f"{counted(len(gallery), 'gallery row')}: "
            "nothing to score"
        )
    return _joined(parts, len(queries))


@dataclass(frozen=True, kw_only=True)
class _BlockRanking:
    """Ranks the gallery for a block of queries; the attributes are the arguments of `rank_metrics`."""

    queries: Floats
    gallery: Doubles
    query_identity: Ints
    gallery_identity: Ints
    ignore: Callable[[Ints], Mask]
    deduplicate: bool
    block: int

    def __call__(self, start: int) -> tuple[NDArray[Any], ...] | None:
        """The columns of `QueryMetrics` for the block that begins with a query; None without valid ones."""
        rows = np.arange(start, min(start + self.block, len(self.queries)))
        ignored = self.ignore(rows)
        relevant = same_identity(self.query_identity[rows], self.gallery_identity) & ~ignored
        valid = relevant.any(axis=1)
        if not valid.any():
            return None
        rows, ignored, relevant = rows[valid], ignored[valid], relevant[valid]
        with threadpool_limits(1, user_api="blas"):  # the last bits change with the number of threads
            order = rank_gallery(self.queries[rows], self.gallery, ignored=ignored)
        precision, inp, cmc = score_hits(np.take_along_axis(relevant, order, axis=1))
        if self.deduplicate:
            ranks = person_rank(order, self.query_identity[rows], self.gallery_identity)
            cmc = ranks[:, None] <= np.array(RANKS)
        return rows, precision, inp, cmc, relevant.sum(axis=1), (~ignored).sum(axis=1)


def _joined(parts: Sequence[tuple[NDArray[Any], ...]], num_queries: int) -> QueryMetrics:
    """The metrics of all queries, out of those of consecutive blocks."""
    query, precision, inp, cmc, num_relevant, num_candidates = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    num_skipped = num_queries - len(query)
    return QueryMetrics(query, precision, inp, cmc, num_relevant, num_candidates, num_skipped)


def same_identity(query_identity: Ints, gallery_identity: Ints) -> Mask:
    """Bool [q, G]: where both are the same person; an unknown person matches no row.

    >>> same_identity(np.array([7, UNKNOWN_IDENTITY]), np.array([7, 8, UNKNOWN_IDENTITY]))
    array([[ True, False, False],
           [False, False, False]])
    """
    known = (query_identity != UNKNOWN_IDENTITY)[:, None]
    return known & (query_identity[:, None] == gallery_identity)


def rank_gallery(queries: Floats, gallery: NDArray[np.floating], *, ignored: Mask) -> Ints:
    """Gallery rows from the most to the least similar, ties by row number, ignored rows last.

    Args:
        queries: [q, D] unit rows.
        gallery: [G, D] unit rows.
        ignored: bool [q, G].

    Returns:
        int64 [q, G].

    >>> rank_gallery(np.eye(2), np.eye(2)[[0, 1, 1]], ignored=np.zeros((2, 3), bool))
    array([[0, 1, 2],
           [1, 2, 0]])
    """
    similarity = np.asarray(queries, np.float64) @ np.asarray(gallery, np.float64).T
    similarity = np.where(ignored, -np.inf, similarity.round(DECIMALS))
    return np.argsort(-similarity, axis=1, kind="stable")


def score_hits(hits: Mask) -> tuple[Doubles, Doubles, Mask]:
    """Score rankings of which only hit or miss is known; each holds at least one hit.

    Args:
        hits: bool [q, G], by rank.

    Returns:
        Average precision [q], inverse negative penalty [q], CMC bool [q, len(RANKS)].

    >>> precision, inp, cmc = score_hits(np.array([[True, False, True, False]]))
    >>> round(float(precision[0]), 4), round(float(inp[0]), 4)
    (0.8333, 0.6667)
    """
    depth = hits.shape[1]
    num_hits = np.cumsum(hits, axis=1)  # at or above each rank
    num_relevant = num_hits[:, -1]
    precision = np.where(hits, num_hits / np.arange(1, depth + 1), 0.0)
    last = depth - np.argmax(hits[:, ::-1], axis=1)
    cmc = num_hits[:, np.minimum(RANKS, depth) - 1] > 0
    return precision.sum(axis=1) / num_relevant, num_relevant / last, cmc


def person_rank(order: Ints, query_identity: Ints, gallery_identity: Ints) -> Ints:
    """The rank of the query's person when each person counts once, at the best of their rows (SYSU-MM01).

    A row of an unknown person is a person of its own.

    Args:
        order: int64 [q, G], gallery rows by rank, each ranking with a match and its ignored rows last.
        query_identity: int64 [q].
        gallery_identity: int64 [G].

    Returns:
        int64 [q], from 1.

    >>> person_rank(np.array([[0, 1, 2]]), np.array([7]), np.array([4, 4, 7]))
    array([2])
    """
    people, place = np.unique(one_person_a_row(gallery_identity), return_inverse=True)
    by_person = np.argsort(place, kind="stable")
    begins = np.searchsorted(place[by_person], np.arange(len(people)))
    best = np.minimum.reduceat(np.argsort(order, axis=1)[:, by_person], begins, axis=1)
    own = np.take_along_axis(best, np.searchsorted(people, query_identity)[:, None], axis=1)
    return 1 + (best < own).sum(axis=1)


def one_person_a_row(identity: Ints) -> Ints:
    """The identities, with a negative number of its own for every row of an unknown person.

    >>> one_person_a_row(np.array([4, UNKNOWN_IDENTITY, 4, UNKNOWN_IDENTITY]))
    array([ 4, -2,  4, -4])
    """
    return np.where(identity == UNKNOWN_IDENTITY, -1 - np.arange(len(identity)), identity)


def mean_metrics(draws: Sequence[QueryMetrics]) -> QueryMetrics:
    """The mean metrics of each query over several galleries of the same persons and cameras.

    In such galleries the same queries are valid, with as many matches and candidates, so that the mean over
    queries of these means is the mean of the galleries' means.

    Args:
        draws: the scores of the queries in each gallery, at least one.
    """
    columns = {
        name: np.mean([getattr(draw, name) for draw in draws], axis=0)
        for name in ("average_precision", "inp", "cmc")
    }
    return replace(draws[0], **columns)


def expected_average_precision(num_relevant: Ints, num_candidates: Ints) -> Doubles:
    """The average precision that a random order of the candidates has in the mean.

    Rank k holds a match with probability R/n; if so, each of the k-1 ranks above holds one with probability
    (R-1)/(n-1). Summed over k: (H_n + (n - H_n) (R-1)/(n-1)) / n with H_n = 1 + 1/2 + ... + 1/n.

    Args:
        num_relevant: int64 [Q], R >= 1.
        num_candidates: int64 [Q], n >= R.

    Returns:
        float64 [Q] in 0..1.

    >>> expected_average_precision(np.array([1, 2]), np.array([2, 2]))
    array([0.75, 1.  ])
    """
    harmonic = np.cumsum(1 / np.arange(1, num_candidates.max() + 1))[num_candidates - 1]
    others = (num_relevant - 1) / np.maximum(num_candidates - 1, 1)
    return (harmonic + (num_candidates - harmonic) * others) / num_candidates
