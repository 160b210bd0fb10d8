"""Rows that come block after block as pieces: none is large, and none goes to two shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from raydist.types import Floats, Ints

PIECE_BYTES = 64 * 2**20
"""What blocks are joined up to; a block that is larger is a piece by itself."""


def cut_at(blocks: Iterable[Floats], bounds: Ints, most_bytes: int) -> Iterator[Floats]:
    """Blocks joined up to a size, and cut at bounds.

    Args:
        blocks: [b, ...] each, of rows that follow each other, from 0.
        bounds: int64, rows at which a piece begins, ascending; those outside of the rows do not matter.
        most_bytes: of a piece that is made of several blocks.

    Yields:
        [p, ...], p >= 1: the rows in their order.

    >>> blocks = [np.arange(3), np.arange(3, 4), np.arange(4, 9)]
    >>> [piece.tolist() for piece in cut_at(blocks, np.array([0, 6, 20]), most_bytes=32)]
    [[0, 1, 2, 3], [4, 5], [6, 7, 8]]
    """
    begins, row = set(bounds.tolist()), 0
    open_piece: list[Floats] = []
    for block in blocks:
        inner = bounds[(bounds > row) & (bounds < row + len(block))] - row
        for part in np.split(block, inner):
            size = sum(each.nbytes for each in open_piece)
            if open_piece and (row in begins or size + part.nbytes > most_bytes):
                yield _joined(open_piece)
                open_piece = []
            if len(part):
                open_piece.append(part)
                row += len(part)
    if open_piece:
        yield _joined(open_piece)


def _joined(parts: list[Floats]) -> Floats:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
