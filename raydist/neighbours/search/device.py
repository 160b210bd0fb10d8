"""A sweep on a torch device: its products, and the best scores of each row picked there.

Only candidates come back. They are ranked and proven as those of the CPU, so the lists are the same.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from raydist.neighbours.search.products import HalfProduct
from raydist.neighbours.search.selection import Seats, most_kept, pack
from raydist.neighbours.search.sweep import SearchReport, Sweep
from raydist.neighbours.search.tables import same_group_parts, spans


class _Best:
    """The best scores of a table's rows so far, and their columns, on the device."""

    def __init__(self, product: HalfProduct, num_rows: int, most: int) -> None:
        self.torch, self.most = product.torch, most
        self.scores = self.torch.full((num_rows, most), -np.inf, device=product.device)
        self.columns = self.torch.full((num_rows, most), -1, dtype=self.torch.int64, device=product.device)

    def take(self, rows: slice, first: int, scores: Any) -> None:
        """Let the scores of some rows with consecutive columns compete."""
        scores, places = scores.topk(min(self.most, scores.shape[1]), dim=1)
        scores = self.torch.cat((self.scores[rows], scores), dim=1)
        columns = self.torch.cat((self.columns[rows], places + first), dim=1)
        self.scores[rows], order = scores.topk(self.most, dim=1)
        self.columns[rows] = columns.gather(1, order)

    def seat(self, seats: Seats) -> None:
        """Make these the candidates; what is not among them scored no more than the last."""
        scores = self.scores.cpu().numpy()
        seats.candidates[:, : self.most] = pack(scores, self.columns.cpu().numpy())
        seats.taken[:] = np.isfinite(scores).sum(axis=1)
        full = np.isfinite(scores[:, -1])
        seats.floor[full] = np.nextafter(scores[full, -1], np.float32(np.inf))


def sweep_on_device(sweep: Sweep, product: HalfProduct, *, block: int) -> SearchReport:
    """Do a sweep on the device of the product that prepared its tables.

    Args:
        sweep: two tables without blank places.
        product: their product.
        block: rows and columns that are multiplied at one time.

    Returns:
        What was done; the seconds are those until the device is ready, and count as product.
    """
    start, pairs, kinds = perf_counter(), 0, [kind for kind in (0, 1) if sweep.wants[kind]]
    left = {kind: _Best(product, len(sweep.left.table), most_kept(sweep.wants[kind])) for kind in kinds}
    right = left
    if not sweep.with_itself:
        right = {kind: _Best(product, len(sweep.right.table), most_kept(sweep.wants[kind])) for kind in kinds}
    for column in spans(len(sweep.right.table), block):
        columns = sweep.right.block(column)
        for row in spans(len(sweep.left.table), block):
            if sweep.with_itself and row.start > column.start:
                break
            scores = _scores(sweep, product, row, column, columns)
            pairs += scores.numel()
            for (up, down, begin, end), same in same_group_parts(
                sweep.left.table.group[row], sweep.right.table.group[column]
            ):
                kind, part = 0 if same else 1, scores[up:down, begin:end]
                if kind in kinds:
                    top, first = row.start + up, column.start + begin
                    left[kind].take(slice(top, row.start + down), first, part)
                    right[kind].take(slice(first, column.start + end), top, part.T)
    for kind in kinds:
        left[kind].seat(sweep.left_seats[kind])
        right[kind].seat(sweep.right_seats[kind])
    return SearchReport(pairs, product_seconds=perf_counter() - start)


def _scores(sweep: Sweep, product: HalfProduct, row: slice, column: slice, columns: Any) -> Any:
    torch, device = product.torch, product.device
    scores = product.scores(sweep.left.block(row), columns).float()
    scores += torch.from_numpy(sweep.left.offset[row, None]).to(device)
    scores += torch.from_numpy(sweep.right.offset[column]).to(device)
    if sweep.with_itself and row == column:
        scores.masked_fill_(torch.ones_like(scores, dtype=torch.bool).tril(), -np.inf)
    return scores
