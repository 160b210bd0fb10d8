"""Exact nearest neighbours by dot product, in blocks, with one answer for every cut into shards and blocks.

A float32 matrix product proposes candidates; a float64 dot product, summed in one fixed order, decides among them. The
product may differ in its last bits from one block shape or number of threads to the next, so a candidate is every
column within the rounding error of the row's k-th best. Ties in the exact similarity go to the smaller id.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raydist.errors import ConfigError, FeatureError
from raydist.types import Floats, Ints, check_features

Doubles = NDArray[np.float64]
Ranked = tuple[Ints, Doubles]
"""Ids int64 [q, K] and similarities float64 [q, K], best first; empty seats come last, with id -1 and -inf."""

NOBODY = -1
"""The id in an empty seat."""

_UNIT_ROUNDOFF = 2.0**-24
_CHUNK = 32


def shard_topk(
    queries: Floats, shard: Floats, *, k: int, shard_ids: Ints, exclude: Ints | None = None, block: int = 2048
) -> Ranked:
    """The k rows of a shard that are most similar to each query.

    Args:
        queries: float32 [q, D].
        shard: float32 [m, D].
        k: how many neighbours, >= 0.
        shard_ids: int64 [m], unique and >= 0: what the rows are called in the result.
        exclude: int64 [q], for each query an id that is left out (its own); -1 or None leaves nobody out.
        block: rows and columns of the float32 product that exists at one time.

    Returns:
        Ids and similarities [q, min(k, m)] by (similarity descending, id ascending). A seat stays empty where the
        excluded row leaves one: id -1, similarity -inf.

    Raises:
        FeatureError: the widths differ, or a value is NaN or infinite.
        ConfigError: k is negative.

    >>> x = np.eye(3, dtype=np.float32)
    >>> shard_topk(x[:1], x, k=2, shard_ids=np.array([7, 5, 6]))[0].tolist()
    [[7, 5]]
    """
    _check(queries, shard, k)
    num_queries, width = len(queries), min(k, len(shard))
    exclude = np.full(num_queries, NOBODY) if exclude is None else np.asarray(exclude, np.int64)
    ids = np.full((num_queries, width), NOBODY, np.int64)
    similarities = np.full((num_queries, width), -np.inf)
    approximate = np.full((num_queries, width), -np.inf, np.float32)
    if width == 0 or num_queries == 0:
        return ids, similarities
    margin = _margin(queries, shard)
    for top in range(0, num_queries, block):
        rows = slice(top, top + block)
        for left in range(0, len(shard), block):
            columns = slice(left, left + block)
            scores = queries[rows] @ shard[columns].T
            _keep_best(
                scores, queries[rows], shard[columns], shard_ids[columns], exclude[rows], margin,
                approximate[rows], similarities[rows], ids[rows],
            )  # fmt: skip
    return ids, similarities


def shard_topk_by_group(
    queries: Floats,
    shard: Floats,
    *,
    num_within: int,
    num_across: int,
    query_group: Ints,
    shard_group: Ints,
    shard_ids: Ints,
    exclude: Ints | None = None,
    block: int = 2048,
) -> tuple[Ranked, Ranked]:
    """The most similar rows of each query's own group, and those of all other groups.

    Args:
        queries: float32 [q, D].
        shard: float32 [m, D].
        num_within: neighbours from the query's own group (camera, modality).
        num_across: neighbours from any other group.
        query_group: int64 [q].
        shard_group: int64 [m].
        shard_ids: int64 [m], unique.
        exclude: int64 [q], an id that is left out of each query's list, or None.
        block: see `shard_topk`.

    Returns:
        The lists within [q, min(num_within, m)] and across [q, min(num_across, m)], padded with empty seats.
    """
    exclude = np.full(len(queries), NOBODY) if exclude is None else exclude
    within = _empty_seats(len(queries), min(num_within, len(shard)))
    across = _empty_seats(len(queries), min(num_across, len(shard)))
    for group in np.unique(query_group):
        rows = np.flatnonzero(query_group == group)
        inside = shard_group == group
        for lists, side, k in ((within, inside, num_within), (across, ~inside, num_across)):
            found = shard_topk(queries[rows], shard[side], k=k, shard_ids=shard_ids[side], exclude=exclude[rows], block=block)
            for seats, part in zip(lists, found, strict=True):
                seats[rows, : part.shape[1]] = part
    return within, across


def merge_topk(parts: Sequence[Ranked], *, k: int) -> Ranked:
    """One ranked list out of the lists of several shards.

    Args:
        parts: ids and similarities [q, K_s] of each shard; at least one.
        k: how many neighbours are kept.

    Returns:
        Ids and similarities [q, min(k, sum of K_s)] by (similarity descending, id ascending), in whatever order the
        shards are given.
    """
    ids = np.concatenate([part[0] for part in parts], axis=1)
    similarities = np.concatenate([part[1] for part in parts], axis=1)
    order = np.lexsort((ids, -similarities), axis=-1)[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(similarities, order, axis=1)


def top_k(features: Floats, *, k: int, block: int = 2048) -> Ranked:
    """The k nearest rows of every row of a table, itself included.

    A row always comes first in its own list, with similarity 1, even where others have the very same feature: the
    k-reciprocal formulas count on it.

    Args:
        features: float32 [N, D], rows of unit length.
        k: how many neighbours, the row itself included.
        block: see `shard_topk`.

    Returns:
        Ids and similarities [N, min(k, N)].

    Raises:
        FeatureError: a value is not finite, or a row is not of unit length.
        ConfigError: k < 1.

    >>> x = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> top_k(x, k=2)[0].tolist()
    [[0, 1], [1, 0], [2, 0]]
    """
    check_features(features)
    if k < 1:
        raise ConfigError(f"k = {k}: a row is its own first neighbour, so k must be >= 1")
    rows = np.arange(len(features))
    ids, similarities = shard_topk(features, features, k=k - 1, shard_ids=rows, exclude=rows, block=block)
    return np.column_stack((rows, ids))[:, : len(rows)], np.column_stack((np.ones(len(rows)), similarities))[:, : len(rows)]


def similarities(left: Floats, right: Floats) -> Doubles:
    """All dot products of two small tables, by the same exact sum as the search.

    Args:
        left: float32 [a, D].
        right: float32 [b, D].

    Returns:
        float64 [a, b].

    Raises:
        FeatureError: the widths differ, or a value is NaN or infinite.
    """
    _check(left, right, 0)
    every = np.arange(len(right))
    ids, values = shard_topk(left, right, k=len(right), shard_ids=every)
    table = np.empty((len(left), len(right)))
    np.put_along_axis(table, ids, values, axis=1)
    return table


def _check(queries: Floats, shard: Floats, k: int) -> None:
    for name, table in (("queries", queries), ("shard", shard)):
        if table.ndim != 2 or table.dtype != np.float32:
            raise FeatureError(f"{name} of shape {table.shape} and type {table.dtype}: expected a float32 matrix")
        if not np.isfinite(table).all():
            raise FeatureError(f"{name}: {(~np.isfinite(table)).any(axis=1).sum()} rows hold NaN or infinite values")
    if queries.shape[1] != shard.shape[1]:
        raise FeatureError(f"queries are {queries.shape[1]} wide and the shard {shard.shape[1]}: they must be of one encoder")
    if k < 0:
        raise ConfigError(f"k = {k}: the number of neighbours must be >= 0")


def _empty_seats(num_rows: int, width: int) -> Ranked:
    return np.full((num_rows, width), NOBODY, np.int64), np.full((num_rows, width), -np.inf)


def _margin(queries: Floats, shard: Floats) -> float:
    """Twice the largest rounding error of a float32 dot product: D u |x| |y| (Higham 2002, Eq. 3.5), in any order of summation.

    About 1.2e-7 D for unit vectors: 6e-5 at D = 512. Every row of the exact top k scores within it of the k-th best score.
    """
    longest = np.linalg.norm(queries, axis=1).max() * np.linalg.norm(shard, axis=1).max()
    return float(2 * (queries.shape[1] + 8) * _UNIT_ROUNDOFF * longest)


@njit(nogil=True, cache=True)
def exact_dot(x, y):  # type: ignore[no-untyped-def]
    """The dot product of two float32 vectors in float64, summed in four interleaved chains."""
    a = b = c = d = 0.0
    whole = x.size - x.size % 4
    for q in range(0, whole, 4):
        a += np.float64(x[q]) * np.float64(y[q])
        b += np.float64(x[q + 1]) * np.float64(y[q + 1])
        c += np.float64(x[q + 2]) * np.float64(y[q + 2])
        d += np.float64(x[q + 3]) * np.float64(y[q + 3])
    for q in range(whole, x.size):
        a += np.float64(x[q]) * np.float64(y[q])
    return (a + b) + (c + d)


@njit(nogil=True, cache=True)
def _any_above(scores, start, stop, floor):  # type: ignore[no-untyped-def]
    hit = False
    for c in range(start, stop):  # no early exit: the compiler turns this into a few vector instructions
        hit |= scores[c] >= floor
    return hit


@njit(nogil=True, cache=True)
def _raise_floor(scores, ids, excluded, best):  # type: ignore[no-untyped-def]
    """Merge a row's scores into its k best float32 scores, which are kept in descending order."""
    last = best.size - 1
    for start in range(0, scores.size, _CHUNK):
        stop = min(start + _CHUNK, scores.size)
        if not _any_above(scores, start, stop, best[last]):
            continue
        for c in range(start, stop):
            if scores[c] > best[last] and ids[c] != excluded:
                seat = last
                while seat > 0 and best[seat - 1] < scores[c]:
                    best[seat] = best[seat - 1]
                    seat -= 1
                best[seat] = scores[c]


@njit(nogil=True, cache=True)
def _seat(similarity, name, similarities, ids):  # type: ignore[no-untyped-def]
    """Insert a row into a list kept by (similarity descending, id ascending), if it is good enough."""
    seat = ids.size
    while seat > 0 and (similarity > similarities[seat - 1] or (similarity == similarities[seat - 1] and name < ids[seat - 1])):
        seat -= 1
    for later in range(ids.size - 1, seat, -1):
        similarities[later] = similarities[later - 1]
        ids[later] = ids[later - 1]
    if seat < ids.size:
        similarities[seat] = similarity
        ids[seat] = name


@njit(nogil=True, cache=True)
def _keep_best(scores, queries, shard, shard_ids, exclude, margin, approximate, similarities, ids):  # type: ignore[no-untyped-def]
    """Merge one block of float32 scores into the exact lists of its rows."""
    for r in range(scores.shape[0]):
        _raise_floor(scores[r], shard_ids, exclude[r], approximate[r])
        floor = np.float32(approximate[r, -1] - margin)
        for start in range(0, scores.shape[1], _CHUNK):
            stop = min(start + _CHUNK, scores.shape[1])
            if not _any_above(scores[r], start, stop, floor):
                continue
            for c in range(start, stop):
                if scores[r, c] >= floor and shard_ids[c] != exclude[r]:
                    _seat(exact_dot(queries[r], shard[c]), shard_ids[c], similarities[r], ids[r])
