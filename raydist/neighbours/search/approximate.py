"""Approximate nearest neighbours by an inverted file: fast for many rows, and told how good they are.

Rows are put into cells by k-means, and a row looks for its neighbours in the cells nearest to it only (Jégou et al.,
"Product quantization for nearest neighbor search", PAMI 2011, Section IV; vectors are kept whole here). Up to some ten
thousands of rows the exact search is faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from raydist.errors import ConfigError
from raydist.neighbours.search.exact import rank_candidates
from raydist.neighbours.search.lists import shard_topk_by_group
from raydist.neighbours.search.ranked import PADDING, GroupedLists, Ranked, empty_lists
from raydist.neighbours.search.tables import Table
from raydist.types import Floats, Ints, check_features


def approximate_lists(
    features: Floats,
    *,
    num_within: int,
    num_across: int = 0,
    group: Ints | None = None,
    num_cells: int | None = None,
    num_probes: int = 8,
    num_sampled: int = 200,
    rng: np.random.Generator,
    threads: int = 1,
) -> tuple[GroupedLists, float]:
    """Neighbours of every row of a table, most of which are the nearest; needs faiss.

    Args:
        features: float32 [N, D], rows of unit length.
        num_within: neighbours from the row's own group; from the whole table without groups.
        num_across: neighbours from all other groups.
        group: int64 [N], cameras or modalities; None when all rows are one group.
        num_cells: cells of the inverted file; 4 sqrt(N) when None.
        num_probes: how many cells a row looks into; the more, the better and the slower.
        num_sampled: rows that are searched exactly to find the recall.
        rng: where k-means starts, and which rows are sampled.
        threads: how many threads faiss may use.

    Returns:
        Lists as those of `search.neighbour_lists`, ranked by the same exact similarities, and the recall: the share of
        the sampled rows' exact neighbours that are in their lists.

    Raises:
        FeatureError: a value is not finite, or a row is not of unit length.
        ConfigError: num_probes or num_cells < 1.
    """
    check_features(features)
    num_rows = len(features)
    num_cells = min(max(1, int(4 * num_rows**0.5)) if num_cells is None else num_cells, num_rows)
    if num_probes < 1 or (num_cells < 1 <= num_rows):
        raise ConfigError(f"num_probes {num_probes} and num_cells {num_cells}: give at least 1 of each")
    group = np.zeros(num_rows, np.int64) if group is None else group
    table, wants = Table.of(features, np.arange(num_rows), group), (num_within, num_across)
    within, across = (empty_lists(num_rows, min(k, num_rows)) for k in wants)
    if num_rows:
        with _faiss(threads) as faiss:
            index = _index(faiss, table, num_cells, int(rng.integers(2**31)))
            for start, stop in _groups(table):
                own = faiss.IDSelectorRange(start, stop)
                places = np.arange(start, stop)
                for lists, selector in ((within, own), (across, faiss.IDSelectorNot(own))):
                    _fill(faiss, index, table, places, selector, num_probes, lists)
    sampled = rng.permutation(num_rows)[:num_sampled]
    return (within, across), _recall(features, group, wants, sampled, (within, across))


@contextmanager
def _faiss(threads: int) -> Iterator[Any]:
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield faiss
    finally:
        faiss.omp_set_num_threads(before)


def _index(faiss: Any, table: Table, num_cells: int, seed: int) -> Any:
    """An inverted file of a table's rows, by place."""
    width = table.features.shape[1]
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, num_cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed, index.cp.min_points_per_centroid = seed, 1
    rows = table.block(slice(0, len(table)))
    index.train(rows)
    index.add(rows)
    return index


def _groups(table: Table) -> Iterator[tuple[int, int]]:
    """First and last + 1 place of each group."""
    bounds = np.flatnonzero(np.diff(table.group, prepend=table.group[0] - 1)).tolist()
    return zip(bounds, [*bounds[1:], len(table)], strict=True)


def _fill(
    faiss: Any, index: Any, table: Table, places: Ints, selector: Any, num_probes: int, lists: Ranked
) -> None:
    """Search with the rows at some consecutive places among the selected ones, and rank what is found exactly."""
    rows, width = table.rows[places], lists[0].shape[1]
    if width == 0:
        return
    parameters = faiss.SearchParametersIVF(nprobe=num_probes, sel=selector)
    _, found = index.search(
        table.block(slice(places[0], places[-1] + 1)), width + 1, params=parameters
    )  # the row itself is one
    wanted = (found != PADDING) & (found != places[:, None])
    candidates = np.take_along_axis(found, np.argsort(~wanted, axis=1, kind="stable"), axis=1)
    ids, similarities = empty_lists(len(places), width)
    rank_candidates(
        np.arange(len(places)), table.features, rows, table.features, table.rows, table.ids, candidates,
        wanted.sum(axis=1, dtype=np.int32),
        ids, similarities,
    )  # fmt: skip
    lists[0][rows], lists[1][rows] = ids, similarities


def _recall(
    features: Floats, group: Ints, wants: tuple[int, int], sampled: Ints, lists: GroupedLists
) -> float:
    exact = shard_topk_by_group(
        features[sampled], features, num_within=wants[0], num_across=wants[1], query_group=group[sampled], shard_group=group,
        shard_ids=np.arange(len(features)), exclude=sampled,
    )  # fmt: skip
    hits = total = 0
    for (true, _), (ids, _) in zip(exact, lists, strict=True):
        sought = true != PADDING
        hits += int((sought & (true[:, :, None] == ids[sampled][:, None]).any(axis=2)).sum())
        total += int(sought.sum())
    return hits / total if total else 1.0
