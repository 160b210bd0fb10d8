"""All pairs of rows of two tables, or of one with itself: each multiplied once and used for both rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock
from time import thread_time

import numpy as np
from numpy.typing import NDArray

from raydist.neighbours.search.certified.candidates import GroupedCandidates, max_kept
from raydist.neighbours.search.certified.operands import Operand
from raydist.neighbours.search.certified.products import PreparedRows
from raydist.neighbours.search.certified.selection import (
    add_hits,
    add_offsets,
    find_hits,
    raise_floors,
)
from raydist.neighbours.search.certified.tables import same_group_parts, spans
from raydist.neighbours.search.ranked import NumNeighbours
from raydist.neighbours.search.report import SearchReport
from raydist.types import Floats, Ints


@dataclass(frozen=True)
class Sweep:
    """Two tables whose rows become candidates of each other.

    Attributes:
        left: a table.
        right: another, or the same object: then each pair of its rows is multiplied once, and no row is
            paired with itself.
        left_candidates: those of the left rows.
        right_candidates: those of the right rows; the same object where the tables are.
        wanted: how many neighbours within and across.
        excluded: int64 [l], for each left row a position of the right table that it is not paired with; -1
            for none.
    """

    left: Operand
    right: Operand
    left_candidates: GroupedCandidates
    right_candidates: GroupedCandidates
    wanted: NumNeighbours
    excluded: Ints

    @property
    def with_itself(self) -> bool:
        """Whether there is one table only."""
        return self.left is self.right

    def run(self, *, block: int, threads: int) -> SearchReport:
        """Multiply everything; to be called inside the product's `one_thread`.

        Args:
            block: rows and columns of a block.
            threads: how many blocks are worked on at once.
        """
        rows = list(spans(len(self.left.table), block))
        columns = list(spans(len(self.right.table), block))
        locks = [Lock() for _ in rows]
        with ThreadPoolExecutor(threads) as pool:
            # in a table with itself the last columns have the most rows: started first, none is late
            reports = pool.map(lambda column: self._run_column(column, rows, locks), columns[::-1])
            return sum(reports, SearchReport())

    def _run_column(self, column: slice, rows: list[slice], locks: list[Lock]) -> SearchReport:
        """One block of right rows with all left rows, or with those up to itself."""
        right, num_columns = self.right.block(column), column.stop - column.start
        largest = max(row.stop - row.start for row in rows) * num_columns
        buffer, hits = np.empty(largest, np.float32), np.empty((largest, 2), np.int32)
        report = SearchReport()
        for number, row in enumerate(rows):
            if self.with_itself and row.start > column.start:
                break
            scores = buffer[: (row.stop - row.start) * num_columns].reshape(-1, num_columns)
            start = thread_time()
            self._multiply(row, column, right, scores)
            middle = thread_time()
            with (
                ExitStack() as stack
            ):  # candidates of both blocks change, and another thread may work on either
                stack.enter_context(locks[number])
                if self.with_itself and row != column:
                    stack.enter_context(locks[rows.index(column)])
                self._select(row, column, scores, hits)
            report += SearchReport(scores.size, 0, middle - start, thread_time() - middle)
        return report

    def _multiply(self, row: slice, column: slice, right: PreparedRows, scores: Floats) -> None:
        self.left.product.multiply(self.left.block(row), right, scores)
        add_offsets(scores, self.left.offset[row], self.right.offset[column])

    def _select(self, row: slice, column: slice, scores: Floats, hits: NDArray[np.int32]) -> None:
        self._mask(row, column, scores)
        for part, same in same_group_parts(self.left.table.group[row], self.right.table.group[column]):
            side = 0 if same else 1
            k, most = self.wanted[side], max_kept(self.wanted[side])
            if k:
                rows, columns = self.left_candidates[side], self.right_candidates[side]
                raise_floors(scores, part, rows, row.start, k)
                raise_floors(scores.T, (*part[2:], *part[:2]), columns, column.start, k)
                num_hits = find_hits(scores, part, rows.floor[row], columns.floor[column], hits)
                add_hits(scores, hits[:num_hits], 0, rows, (row.start, column.start), k, most)
                add_hits(scores, hits[:num_hits], 1, columns, (column.start, row.start), k, most)

    def _mask(self, row: slice, column: slice, scores: Floats) -> None:
        """Give -inf to excluded pairs, and to one of the two entries of a pair within the block."""
        if self.with_itself and row == column:
            scores[np.tri(len(scores), dtype=bool)] = -np.inf
        excluded = self.excluded[row] - column.start
        affected = np.flatnonzero((excluded >= 0) & (excluded < scores.shape[1]))
        scores[affected, excluded[affected]] = -np.inf
