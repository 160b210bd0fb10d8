"""Rows cut into slabs, and sparse rows joined in order; no result depends on the cut.

A slab is a run of consecutive rows, in one of two forms: the numbers of the rows, from `row_slabs`, where
each slab is computed by itself as a shard would; or a slice of a list of rows, from `work_slabs`, where the
threads of one computation share the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.types import Ints

S = TypeVar("S")
T = TypeVar("T")

_SLABS_PER_THREAD = 4
_SMALLEST_SLAB = 64
_SMALL_SLAB = 2048


def row_slabs(num_rows: int, num_slabs: int) -> list[Ints]:
    """Rows 0..N-1 as consecutive slabs whose sizes differ by one at most, each as the numbers of its rows.

    Args:
        num_rows: N.
        num_slabs: how many slabs; some are empty when there are fewer rows.

    >>> [slab.tolist() for slab in row_slabs(5, 2)]
    [[0, 1, 2], [3, 4]]
    """
    return np.array_split(np.arange(num_rows, dtype=np.int64), num_slabs)


def work_slabs(num_rows: int, *, threads: int) -> list[slice]:
    """Consecutive slabs as slices, several for each thread: threads finish together though slabs differ.

    Args:
        num_rows: N, of a list of rows that the slices are taken of.
        threads: how many slabs are worked on at once.

    >>> work_slabs(200, threads=1), len(work_slabs(200, threads=2))
    ([slice(0, 200, None)], 3)
    """
    number = max(1, min(_SLABS_PER_THREAD * threads, num_rows // _SMALLEST_SLAB)) if threads > 1 else 1
    return [slice(num_rows * s // number, num_rows * (s + 1) // number) for s in range(number)]


def map_slabs(function: Callable[[S], T], slabs: Iterable[S], *, threads: int = 1) -> list[T]:
    """The function's result for every slab, in the order of the slabs.

    Args:
        function: slab -> its part of a result; the kernels of this package release the interpreter lock.
        slabs: in either form.
        threads: how many slabs are worked on at once.
    """
    if threads == 1:
        return [function(slab) for slab in slabs]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, slabs))


def small_slabs(num_rows: int) -> list[slice]:
    """Consecutive slabs of few rows, so that nothing else of all rows stands beside what is made of them.

    Args:
        num_rows: N; one slab without any where there are none.
    """
    return [
        slice(first, min(first + _SMALL_SLAB, num_rows)) for first in range(0, max(num_rows, 1), _SMALL_SLAB)
    ]


def in_small_slabs(num_rows: int, rule: Callable[[slice], csr_array]) -> csr_array:
    """CSR [N, m], as a rule makes it of a few rows at a time.

    >>> in_small_slabs(2, lambda rows: csr_array(np.eye(2)[rows])).toarray()
    array([[1., 0.],
           [0., 1.]])
    """
    return stack_rows([_narrow(rule(rows)) for rows in small_slabs(num_rows)])


def _narrow(matrix: csr_array) -> csr_array:
    return sparse_rows(
        matrix.indptr, matrix.indices.astype(np.int32), matrix.data, num_columns=matrix.shape[1]
    )


def sparse_rows(bounds: Ints, columns: NDArray[Any], values: NDArray[Any], *, num_columns: int) -> csr_array:
    """The CSR [r, N] with the given entries and, where they are fewer than 2^31, int32 indices.

    Args:
        bounds: int64 [r + 1], where the entries of each row begin, and where the last one's end.
        columns: int32 or uint32 [nnz].
        values: [nnz].
        num_columns: N.
    """
    narrow = bounds.astype(np.int32) if bounds[-1] < 2**31 else bounds
    return csr_array((values, columns.view(np.int32), narrow), shape=(len(bounds) - 1, num_columns))


def unsigned(indices: NDArray[Any]) -> NDArray[np.uint32]:
    """The same indices for a kernel: without a sign it need not ask whether they count from the end."""
    return np.asarray(indices, np.int32).view(np.uint32)


def stack_rows(parts: list[csr_array]) -> csr_array:
    """One matrix out of the rows of consecutive slabs; the memory of each is freed once it is copied.

    Args:
        parts: at least one CSR [r, N]; the list is empty afterwards.
    """
    if len(parts) == 1:
        return parts.pop()
    num_columns = parts[0].shape[1]
    bounds = np.concatenate([[0], *(np.diff(part.indptr) for part in parts)]).cumsum()
    columns, values = np.empty(bounds[-1], np.int32), np.empty(bounds[-1], parts[0].dtype)
    start = 0
    while parts:
        part = parts.pop(0)
        columns[start : start + part.nnz], values[start : start + part.nnz] = part.indices, part.data
        start += part.nnz
    return sparse_rows(bounds, columns, values, num_columns=num_columns)


@njit(nogil=True, cache=True)
def with_room(values: NDArray[Any], used: int | np.integer[Any], more: int | np.integer[Any]) -> NDArray[Any]:
    """The buffer itself where it has room for more values, else a longer one that begins with those in use.

    It at least doubles, so that all copies together cost no more than a few times the final length.
    """
    needed = np.int64(used) + np.int64(more)
    if needed <= values.size:
        return values
    longer = np.empty(max(2 * values.size, int(needed)), values.dtype)
    for a in range(used):  # a slice would compile seconds of error messages along
        longer[a] = values[a]
    return longer
