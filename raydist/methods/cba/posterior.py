"""Posteriors of tracklets over guides, as sparse rows: a tracklet looks at a few guides, not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import entr

from raydist.neighbours.jaccard.slabs import small_slabs
from raydist.types import NOISE, Doubles, Ints, Labels


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


def scaled_rows(matrix: csr_array, factors: Doubles) -> csr_array:
    """The rows of CSR [n, m], each times its factor."""
    values = matrix.data * np.repeat(factors, np.diff(matrix.indptr))
    return csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)


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


def row_entropies(matrix: csr_array) -> Doubles:
    """H, in nats, of each row of CSR [n, m], none empty; rows sum to 1."""
    entropies: Doubles = np.add.reduceat(entr(matrix.data), matrix.indptr[:-1])
    return entropies


def cluster_means(values: csr_array, labels: Labels, *, weights: Doubles | None = None) -> csr_array:
    """The weighted mean row of each cluster.

    Args:
        values: float64 CSR [n, G].
        labels: int64 [n], clusters numbered from 0 without a gap, noise left out.
        weights: float64 [n] > 0; None for equal ones.

    Returns:
        float64 CSR [C, G].

    >>> values, weights = csr_array(np.array([[1.0], [3.0], [9.0]])), np.array([3.0, 1.0, 1.0])
    >>> cluster_means(values, np.array([0, 0, -1]), weights=weights).toarray()
    array([[1.5]])
    """
    members = np.flatnonzero(labels != NOISE)
    own = labels[members]
    weight = np.ones(len(members)) if weights is None else weights[members]
    total = np.bincount(own, weight)
    mixing = csr_array((weight / total[own], (own, members)), shape=(len(total), len(labels)))
    return csr_array(mixing @ values)
