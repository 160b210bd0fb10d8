"""The most similar row of every camera view, from which mutual nearest neighbours between views are made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raydist.errors import DataError
from raydist.neighbours.search.lists import shard_topk
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import Ranked, empty_lists
from raydist.types import Floats, Ints


def shard_nearest_in_views(
    queries: Floats,
    shard: Floats,
    *,
    query_view: Ints,
    shard_view: Ints,
    shard_ids: Ints,
    num_views: int,
    options: SearchOptions = SearchOptions(block=2048),
) -> Ranked:
    """For each query the most similar row of each view among the rows of a shard.

    Args:
        queries: float32 [q, D].
        shard: float32 [m, D].
        query_view: int64 [q], the view of each query, 0..U-1.
        shard_view: int64 [m], the view of each row of the shard, 0..U-1.
        shard_ids: int64 [m], unique: what the rows are called in the result.
        num_views: U, views of the whole table.
        options: see `shard_topk`.

    Returns:
        Ids and similarities [q, U]; -1 and -inf for the query's own view, and for a view without rows in this
        shard. Ties go to the smaller id.

    Raises:
        DataError: views and features differ in number, or a view is outside 0..U-1.
        FeatureError: see `shard_topk`.

    >>> x, view = np.eye(3, dtype=np.float32), np.array([0, 1, 1])
    >>> ids, _ = shard_nearest_in_views(
    ...     x, x, query_view=view, shard_view=view, shard_ids=np.arange(3), num_views=2
    ... )
    >>> ids.tolist()
    [[-1, 1], [0, -1], [0, -1]]
    """
    _check_views("queries", queries, query_view, num_views)
    _check_views("shard", shard, shard_view, num_views)
    ids, similarities = empty_lists(len(queries), num_views)
    for view in np.unique(shard_view):
        others, rows = np.flatnonzero(query_view != view), np.flatnonzero(shard_view == view)
        nearest = shard_topk(queries[others], shard[rows], k=1, shard_ids=shard_ids[rows], options=options)
        ids[others, view], similarities[others, view] = nearest[0][:, 0], nearest[1][:, 0]
    return ids, similarities


def merge_nearest_in_views(parts: Sequence[Ranked]) -> Ranked:
    """The most similar row of every view out of those of several shards.

    Args:
        parts: ids and similarities [q, U] of each shard; at least one.

    Returns:
        Ids and similarities [q, U], in whatever order the shards are given; ties go to the smaller id.
    """
    ids, similarities = (np.stack(tables) for tables in zip(*parts, strict=True))
    best = np.lexsort((ids, -similarities), axis=0)[:1]
    return np.take_along_axis(ids, best, axis=0)[0], np.take_along_axis(similarities, best, axis=0)[0]


def shard_nearest_of_view(
    queries: tuple[Floats, Ints, Ints],
    shard: tuple[Floats, Ints, Ints],
    *,
    top: int,
    options: SearchOptions = SearchOptions(block=2048),
) -> Ranked:
    """For each query the most similar other rows of a view among the rows of a shard.

    Args:
        queries: float32 [q, D], the view that each asks for, its own or another one, -1 for none, and the id
            of each.
        shard: float32 [m, D], and the view and the id of each.
        top: k >= 1.
        options: see `shard_topk`.

    Returns:
        Ids and similarities [q, k], best first; -1 and -inf behind the last. Ties go to the smaller id.

    >>> x, view, ids = np.eye(3, dtype=np.float32), np.array([0, 1, 1]), np.arange(3)
    >>> shard_nearest_of_view((x, view, ids), (x, view, ids), top=1)[0].tolist()
    [[-1], [2], [1]]
    """
    (asking, query_view, query_ids), (features, shard_view, shard_ids) = queries, shard
    ids, similarities = empty_lists(len(asking), top)
    for view in np.unique(query_view[query_view >= 0]):
        own, rows = np.flatnonzero(query_view == view), np.flatnonzero(shard_view == view)
        nearest = shard_topk(
            asking[own],
            features[rows],
            k=top,
            shard_ids=shard_ids[rows],
            exclude=query_ids[own],
            options=options,
        )
        found = nearest[0].shape[1]  # no more columns than the shard has rows
        ids[own, :found], similarities[own, :found] = nearest
    return ids, similarities


def merge_nearest(parts: Sequence[Ranked]) -> Ranked:
    """The most similar rows out of those of several shards.

    Args:
        parts: ids and similarities [q, k] of each shard; at least one.

    Returns:
        Ids and similarities [q, k], in whatever order the shards are given; ties go to the smaller id.
    """
    ids, similarities = (np.concatenate(tables, axis=1) for tables in zip(*parts, strict=True))
    best = np.lexsort((ids, -similarities), axis=1)[:, : parts[0][0].shape[1]]
    return np.take_along_axis(ids, best, axis=1), np.take_along_axis(similarities, best, axis=1)


def _check_views(name: str, features: Floats, view: Ints, num_views: int) -> None:
    if view.shape != features.shape[:1]:
        raise DataError(f"{name}: {len(features)} rows with {view.size} views; expected one view a row")
    if view.size and not 0 <= view.min() <= view.max() < num_views:
        raise DataError(f"{name}: views {view.min()} to {view.max()}; expected 0 to {num_views - 1}")
