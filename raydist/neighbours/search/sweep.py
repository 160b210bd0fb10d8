"""All pairs of rows of two tables, or of one with itself, block by block: multiplied once, looked at from both sides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from threading import Lock
from time import thread_time

import numpy as np
from numpy.typing import NDArray

from raydist.neighbours.search.selection import Seats, add_offsets, find_hits, most_kept, take_seats
from raydist.neighbours.search.tables import Operand, same_group_parts, spans
from raydist.types import Floats, Ints

GroupedSeats = tuple[Seats, Seats]
"""The seats of a table's rows within their groups, and across."""


@dataclass(frozen=True)
class SearchReport:
    """What a search did; reports can be added.

    Attributes:
        pairs: pairs of rows that were multiplied.
        uncertified: lists that a product could not prove, and that were searched again with more digits.
        product_seconds: CPU seconds in matrix products, of all threads together.
        selection_seconds: CPU seconds in picking candidates out of them.
        exact_seconds: CPU seconds in exact dot products.
    """

    pairs: int = 0
    uncertified: int = 0
    product_seconds: float = 0.0
    selection_seconds: float = 0.0
    exact_seconds: float = 0.0

    def __add__(self, other: SearchReport) -> SearchReport:
        return SearchReport(
            *(getattr(self, field.name) + getattr(other, field.name) for field in fields(self))
        )


@dataclass(frozen=True)
class Sweep:
    """Two tables whose rows compete for seats in each other's lists.

    Attributes:
        left: a table.
        right: another, or the same object: then each pair of its rows is multiplied once, and no row meets itself.
        left_seats: the seats of the left rows.
        right_seats: those of the right rows; the same object where the tables are.
        wants: how many neighbours are wanted within and across.
        blank: int64 [l], for each left row a place of the right table that it does not meet; -1 for none.
    """

    left: Operand
    right: Operand
    left_seats: GroupedSeats
    right_seats: GroupedSeats
    wants: tuple[int, int]
    blank: Ints

    @property
    def with_itself(self) -> bool:
        """Whether there is one table only."""
        return self.left is self.right

    def run(self, *, block: int, threads: int) -> SearchReport:
        """Multiply everything, in blocks of so many rows and columns, so many at once; to be called in `one_thread`."""
        rows = list(spans(len(self.left.table), block))
        columns = list(spans(len(self.right.table), block))
        locks = [Lock() for _ in rows]
        with ThreadPoolExecutor(threads) as pool:
            # the last columns meet the most rows: started first, they keep no thread waiting at the end
            return sum(
                pool.map(lambda column: self._meet(column, rows, locks), columns[::-1]), SearchReport()
            )

    def _meet(self, column: slice, rows: list[slice], locks: list[Lock]) -> SearchReport:
        """One block of right rows against all left rows, or against those up to itself."""
        right, num_columns = self.right.block(column), column.stop - column.start
        largest = max(row.stop - row.start for row in rows)
        room, hits = (
            np.empty(largest * num_columns, np.float32),
            np.empty((largest * num_columns, 2), np.int32),
        )
        report = SearchReport()
        for number, row in enumerate(rows):
            if self.with_itself and row.start > column.start:
                break
            scores = room[: (row.stop - row.start) * num_columns].reshape(-1, num_columns)
            start = thread_time()
            self._multiply(row, column, right, scores)
            middle = thread_time()
            with ExitStack() as stack:  # both blocks of seats are changed, and either may be another thread's
                stack.enter_context(locks[number])
                if self.with_itself and row != column:
                    stack.enter_context(locks[rows.index(column)])
                self._select(row, column, scores, hits)
            report += SearchReport(scores.size, 0, middle - start, thread_time() - middle)
        return report

    def _multiply(self, row: slice, column: slice, right: Floats, scores: Floats) -> None:
        self.left.product.multiply(self.left.block(row), right, scores)
        add_offsets(scores, self.left.offset[row], self.right.offset[column])

    def _select(self, row: slice, column: slice, scores: Floats, hits: NDArray[np.int32]) -> None:
        if self.with_itself and row == column:
            scores[np.tri(len(scores), dtype=bool)] = -np.inf
        blank = self.blank[row] - column.start
        met = np.flatnonzero((blank >= 0) & (blank < scores.shape[1]))
        scores[met, blank[met]] = -np.inf
        for part, same in same_group_parts(self.left.table.group[row], self.right.table.group[column]):
            side = 0 if same else 1
            k, most = self.wants[side], most_kept(self.wants[side])
            if k:
                rows, columns = self.left_seats[side], self.right_seats[side]
                found = hits[: find_hits(scores, part, rows.floor[row], columns.floor[column], hits)]
                take_seats(scores, found, 0, rows, row.start, column.start, k, most)
                take_seats(scores, found, 1, columns, column.start, row.start, k, most)
