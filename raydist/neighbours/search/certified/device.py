"""A sweep on a torch device: its products, and the best scores of each row picked there.

Only candidates come back. They are ranked and proven as those of the CPU, so the lists are the same.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from raydist.neighbours.search.certified.candidates import Candidates, max_kept, pack
from raydist.neighbours.search.certified.products import HalfProduct, PreparedRows
from raydist.neighbours.search.certified.sweep import Sweep
from raydist.neighbours.search.certified.tables import same_group_parts, spans
from raydist.neighbours.search.report import SearchReport

if TYPE_CHECKING:
    import torch

DEVICE_BLOCK = 8192
"""Rows and columns of a block on a device."""


class _BestScores:
    """The best scores of a table's rows so far, and their columns, on the device.

    Args:
        product: whose device it is.
        num_rows: n.
        most: how many scores of a row are kept.
    """

    def __init__(self, product: HalfProduct, num_rows: int, most: int) -> None:
        self.torch, self.most = product.torch, most
        self.scores = self.torch.full((num_rows, most), -np.inf, device=product.device)
        self.columns = self.torch.full((num_rows, most), -1, dtype=self.torch.int64, device=product.device)

    def add(self, rows: slice, first: int, scores: torch.Tensor) -> None:
        """Let the scores [R, C] of some rows with the columns from `first` on compete."""
        scores, positions = scores.topk(min(self.most, scores.shape[1]), dim=1)
        scores = self.torch.cat((self.scores[rows], scores), dim=1)
        columns = self.torch.cat((self.columns[rows], positions + first), dim=1)
        self.scores[rows], order = scores.topk(self.most, dim=1)
        self.columns[rows] = columns.gather(1, order)

    def write(self, candidates: Candidates) -> None:
        """Make these the candidates; any other column scored no more than the last of them."""
        scores = self.scores.cpu().numpy()
        candidates.packed[:, : self.most] = pack(scores, self.columns.cpu().numpy())
        candidates.size[:] = np.isfinite(scores).sum(axis=1)
        full = np.isfinite(scores[:, -1])
        candidates.floor[full] = np.nextafter(scores[full, -1], np.float32(np.inf))


def sweep_on_device(sweep: Sweep, product: HalfProduct, *, block: int) -> SearchReport:
    """Do a sweep on the device of the product that prepared its tables.

    Args:
        sweep: two tables without excluded pairs.
        product: their product.
        block: rows and columns that are multiplied at one time.

    Returns:
        What was done; the seconds are those until the device is ready, and count as product.
    """
    start, pairs, sides = perf_counter(), 0, [side for side in (0, 1) if sweep.wanted[side]]
    left = {side: _BestScores(product, len(sweep.left.table), max_kept(sweep.wanted[side])) for side in sides}
    right = left
    if not sweep.with_itself:
        num_right = len(sweep.right.table)
        right = {side: _BestScores(product, num_right, max_kept(sweep.wanted[side])) for side in sides}
    for column in spans(len(sweep.right.table), block):
        columns = sweep.right.block(column)
        for row in spans(len(sweep.left.table), block):
            if sweep.with_itself and row.start > column.start:
                break
            scores = _scores(sweep, product, row, column, columns)
            pairs += scores.numel()
            groups = sweep.left.table.group[row], sweep.right.table.group[column]
            for (up, down, begin, end), same in same_group_parts(*groups):
                side, part = 0 if same else 1, scores[up:down, begin:end]
                if side in sides:
                    top, first = row.start + up, column.start + begin
                    left[side].add(slice(top, row.start + down), first, part)
                    right[side].add(slice(first, column.start + end), top, part.T)
    for side in sides:
        left[side].write(sweep.left_candidates[side])
        right[side].write(sweep.right_candidates[side])
    return SearchReport(pairs, product_seconds=perf_counter() - start)


def _scores(
    sweep: Sweep, product: HalfProduct, row: slice, column: slice, columns: PreparedRows
) -> torch.Tensor:
    """The scores of a block, float32 [R, C] on the device; -inf for pairs that another entry stands for."""
    torch, device = product.torch, product.device
    scores = product.scores(sweep.left.block(row), columns).float()
    scores += torch.from_numpy(sweep.left.offset[row, None]).to(device)
    scores += torch.from_numpy(sweep.right.offset[column]).to(device)
    if sweep.with_itself and row == column:
        scores.masked_fill_(torch.ones_like(scores, dtype=torch.bool).tril(), -np.inf)
    return scores
