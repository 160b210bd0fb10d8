"""Sparse rows of equal or different lengths: as lists of columns and values, and what is largest in each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.neighbours.jaccard.slabs import small_slabs
from raydist.types import Doubles, Ints


def listed_rows(columns: NDArray[np.integer[Any]], values: NDArray[Any], num_columns: int) -> csr_array:
    """CSR [n, m] of the values [n, g] that stand in the columns [n, g] of each row.

    >>> listed_rows(np.array([[2, 0]]), np.array([[0.9, 0.1]]), 3).toarray()
    array([[0.1, 0. , 0.9]])
    """
    num_rows, number = columns.shape
    place = np.int32 if num_rows * number <= np.iinfo(np.int32).max else np.int64
    starts = np.arange(num_rows + 1, dtype=place) * place(number)
    entries = values.ravel(), columns.ravel().astype(place, copy=False), starts
    return csr_array(entries, shape=(num_rows, num_columns))


def likeliest_column(matrix: csr_array) -> Ints:
    """int64 [n]: the column of the largest entry of each row of CSR [n, m], of equal ones the first.

    No row is empty.

    >>> likeliest_column(csr_array(np.array([[0, 0.4, 0.4], [0.9, 0, 0]])))
    array([1, 0])
    """
    return np.concatenate([_likeliest(matrix[rows]) for rows in small_slabs(matrix.shape[0])])


def _likeliest(matrix: csr_array) -> Ints:
    entries = matrix.sorted_indices()
    is_largest = entries.data == np.repeat(row_maxima(entries), np.diff(entries.indptr))
    before = np.append(0, np.cumsum(is_largest))[entries.indptr[:-1]]
    columns: Ints = entries.indices[np.flatnonzero(is_largest)[before]].astype(np.int64)
    return columns


def row_maxima(matrix: csr_array) -> Doubles:
    """The largest entry of each row of CSR [n, m], none empty."""
    largest: Doubles = np.maximum.reduceat(matrix.data, matrix.indptr[:-1])
    return largest
