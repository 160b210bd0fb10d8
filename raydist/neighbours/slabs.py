"""Rows cut into slabs, and slabs worked on by threads; joined in order, so that neither changes a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from raydist.types import Ints

T = TypeVar("T")


def row_slabs(num_rows: int, num_slabs: int) -> list[Ints]:
    """Rows 0..N-1 as consecutive slabs whose sizes differ by one at most.

    Args:
        num_rows: N.
        num_slabs: how many slabs; some are empty when there are fewer rows.

    >>> [slab.tolist() for slab in row_slabs(5, 2)]
    [[0, 1, 2], [3, 4]]
    """
    return np.array_split(np.arange(num_rows, dtype=np.int64), num_slabs)


def map_slabs(function: Callable[[Ints], T], slabs: Iterable[Ints], *, threads: int = 1) -> list[T]:
    """The function's result for every slab, in the order of the slabs.

    Args:
        function: rows -> their part of a result; the kernels of this package release the interpreter lock.
        slabs: int64 rows of each slab.
        threads: how many slabs are worked on at once.
    """
    if threads == 1:
        return [function(slab) for slab in slabs]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, slabs))
