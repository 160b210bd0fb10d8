"""Approximate nearest neighbours by an inverted file: fast for many rows, and with the recall measured.

Rows are put into cells by k-means, and a row looks for its neighbours in the cells nearest to it only (Jégou
et al., "Product quantization for nearest neighbor search", PAMI 2011, Section IV; vectors are kept whole
here). Up to some ten thousands of rows the exact search is faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from raydist.errors import ConfigError
from raydist.neighbours.search.certified.ranking import rank_candidates
from raydist.neighbours.search.certified.tables import Table
from raydist.neighbours.search.lists import shard_topk_by_group
from raydist.neighbours.search.ranked import PADDING, GroupedLists, NumNeighbours, Ranked, empty_lists
from raydist.neighbours.search.rows import Rows
from raydist.types import Floats, Ints, check_features


@dataclass(frozen=True)
class InvertedFile:
    """How rows are put into cells and looked for.

    Attributes:
        num_cells: cells of the inverted file; 4 sqrt(N) when None.
        num_probes: how many cells a row looks into; the more, the better and the slower.
        num_sampled: rows that are searched exactly to measure the recall.

    Raises:
        ConfigError: num_probes or num_cells < 1.
    """

    num_cells: int | None = None
    num_probes: int = 8
    num_sampled: int = 200

    def __post_init__(self) -> None:
        if self.num_probes < 1 or (self.num_cells is not None and self.num_cells < 1):
            raise ConfigError(
                f"num_probes {self.num_probes} and num_cells {self.num_cells}: give at least 1 of each"
            )

    def cells_of(self, num_rows: int) -> int:
        """How many cells N rows are put into."""
        return min(max(1, int(4 * num_rows**0.5)) if self.num_cells is None else self.num_cells, num_rows)


def approximate_lists(
    features: Floats,
    *,
    num_within: int,
    num_across: int = 0,
    group: Ints | None = None,
    index: InvertedFile = InvertedFile(),
    rng: np.random.Generator,
    threads: int = 1,
) -> tuple[GroupedLists, float]:
    """Neighbours of every row of a table, most of which are the nearest; needs faiss.

    Args:
        features: float32 [N, D], rows of unit length.
        num_within: neighbours from the row's own group; from the whole table without groups.
        num_across: neighbours from all other groups.
        group: int64 [N], cameras or modalities; None when all rows are one group.
        index: how rows are put into cells and looked for.
        rng: where k-means starts, and which rows are sampled.
        threads: how many threads faiss may use.

    Returns:
        Lists as those of `neighbour_lists`, ranked by the same exact similarities, and the recall: the share
        of the sampled rows' exact neighbours that are in their lists.

    Raises:
        FeatureError: a value is not finite, or a row is not of unit length.
    """
    check_features(features)
    num_rows = len(features)
    group = np.zeros(num_rows, np.int64) if group is None else group
    table = Table.of(features, np.arange(num_rows), group)
    wanted = NumNeighbours(num_within, num_across)
    within, across = (empty_lists(num_rows, min(k, num_rows)) for k in wanted)
    if num_rows:
        with _faiss(threads) as faiss:
            cells = _Cells(faiss, table, index, seed=int(rng.integers(2**31)))
            for start, stop in _groups(table):
                own = faiss.IDSelectorRange(start, stop)
                positions = np.arange(start, stop)
                cells.fill(within, positions, own)
                cells.fill(across, positions, faiss.IDSelectorNot(own))
    sampled = rng.permutation(num_rows)[: index.num_sampled]
    return (within, across), _recall(Rows(features, None, group), wanted, sampled, (within, across))


@contextmanager
def _faiss(threads: int) -> Iterator[Any]:
    """The library, with so many threads."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield faiss
    finally:
        faiss.omp_set_num_threads(before)


class _Cells:
    """An inverted file of a table's rows, by position.

    Args:
        faiss: the library.
        table: its rows.
        index: how many cells there are, and how many a row looks into.
        seed: of k-means.
    """

    def __init__(self, faiss: Any, table: Table, index: InvertedFile, *, seed: int) -> None:
        width, num_cells = table.features.shape[1], index.cells_of(len(table))
        cells = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, num_cells, faiss.METRIC_INNER_PRODUCT)
        cells.cp.seed, cells.cp.min_points_per_centroid = seed, 1
        rows = table.block(slice(0, len(table)))
        cells.train(rows)
        cells.add(rows)
        self._faiss, self._table, self._num_probes, self._cells = faiss, table, index.num_probes, cells

    def fill(self, lists: Ranked, positions: Ints, selector: Any) -> None:
        """Search with the rows at consecutive positions among the selected ones, and rank the result exactly.

        Args:
            lists: of all rows; those of the given ones are filled.
            positions: int64 [p] of the table.
            selector: of faiss, which positions may be neighbours.
        """
        rows, width = self._table.rows[positions], lists[0].shape[1]
        if width == 0:
            return
        queries = self._table.block(slice(positions[0], positions[-1] + 1))
        parameters = self._faiss.SearchParametersIVF(nprobe=self._num_probes, sel=selector)
        _, nearest = self._cells.search(
            queries, width + 1, params=parameters
        )  # the row itself is one of them
        wanted = (nearest != PADDING) & (nearest != positions[:, None])
        candidates = np.take_along_axis(nearest, np.argsort(~wanted, axis=1, kind="stable"), axis=1)
        size, order = wanted.sum(axis=1, dtype=np.int32), np.arange(len(positions))
        ranked, left = empty_lists(len(positions), width), self._table.feature_rows._replace(rows=rows)
        rank_candidates(order, left, self._table.feature_rows, self._table.ids, candidates, size, ranked)
        lists[0][rows], lists[1][rows] = ranked


def _groups(table: Table) -> Iterator[tuple[int, int]]:
    """First and last + 1 position of each group."""
    bounds = np.flatnonzero(np.diff(table.group, prepend=table.group[0] - 1)).tolist()
    return zip(bounds, [*bounds[1:], len(table)], strict=True)


def _recall(rows: Rows, wanted: NumNeighbours, sampled: Ints, lists: GroupedLists) -> float:
    """The share of the exact neighbours of the sampled rows that are in their lists; 1 if there are none."""
    assert rows.group is not None
    queries = Rows(rows.features[sampled], None, rows.group[sampled])
    exact = shard_topk_by_group(
        queries, rows, num_within=wanted.within, num_across=wanted.across, exclude=sampled
    )
    hits = total = 0
    for (true, _), (ids, _) in zip(exact, lists, strict=True):
        known = true != PADDING
        hits += int((known & (true[:, :, None] == ids[sampled][:, None]).any(axis=2)).sum())
        total += int(known.sum())
    return hits / total if total else 1.0
