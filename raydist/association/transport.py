"""Balanced assignment by entropic optimal transport (Cuturi, "Sinkhorn Distances", NeurIPS 2013).

Where each row by itself would take its nearest column, a plan with given column sums keeps a few popular
columns from taking everything: every column gets its share of the rows. A row may have just a few columns
that it can go to, such as its nearest ones: then no table of all pairs is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from raydist.errors import ConfigError, DataError
from raydist.types import Doubles

BLOCK = 1 << 16
"""Entries at one time."""

CHECK_EVERY = 10
"""After so many iterations it is looked whether the column scales still change."""


def sinkhorn(
    similarity: csr_array,
    *,
    rows: Doubles,
    columns: Doubles,
    temperature: float,
    num_iterations: int = 30,
    tolerance: float = 0.0,
) -> csr_array:
    """The share of every row that goes to every column, when columns take what they have room for.

    With K = exp(s / t) where there is an entry, and zero elsewhere, the plan diag(a) K diag(b) of the given
    row and column sums comes from fitting b and a in turn, in logarithms; a is fitted last, so that each row
    of the plan has exactly its sum, by which it is divided.

    Args:
        similarity: CSR [n, m], s, at least one entry in every row; an entry may be zero.
        rows: [n] > 0, how much each row has to give; scaled to sum to 1.
        columns: [m] > 0, how much each column takes; scaled to sum to 1. One without entries takes nothing.
        temperature: t > 0; the smaller, the closer to a hard assignment.
        num_iterations: how often b and a are fitted at most, >= 1.
        tolerance: e >= 0; where sum_k |b_k / b'_k - 1| < e from one b to the next, b', the fitting ends. This
            is looked at every tenth time, as published code of the field does; 0 for never.

    Returns:
        float64 CSR [n, m] >= 0 of the same entries; each row sums to 1.

    Raises:
        DataError: the shapes do not fit, a row has no entry, or a row or column sum is not positive.
        ConfigError: the temperature, the number of iterations or the tolerance is out of range.

    >>> s = csr_array(np.array([[1.0, 0.1], [1.0, 0.9]]))
    >>> sinkhorn(s, rows=np.ones(2), columns=np.ones(2), temperature=0.2).toarray().round(2)
    array([[0.88, 0.12],
           [0.12, 0.88]])
    """
    _check(similarity, rows, columns)
    if temperature <= 0 or num_iterations < 1 or tolerance < 0:
        raise ConfigError(
            f"temperature {temperature}, {num_iterations} iterations, tolerance {tolerance}: "
            "expected > 0, >= 1 and >= 0"
        )
    log_rows, log_columns = np.log(rows / np.sum(rows)), np.log(columns / np.sum(columns))
    by_column = similarity.tocsc().T
    log_a, log_b = np.zeros(len(rows)), np.zeros(len(columns))
    for number in range(num_iterations):
        before, log_b = log_b, log_columns - _log_sums(by_column, temperature, log_a)
        log_a = log_rows - _log_sums(similarity, temperature, log_b)
        if tolerance and number and number % CHECK_EVERY == 0 and _change(before, log_b) < tolerance:
            break
    share = np.empty(similarity.nnz)
    for segments, entries in _blocks(similarity):
        of_row = np.repeat((log_a - log_rows)[segments], np.diff(similarity.indptr)[segments])
        share[entries] = np.exp(_scaled(similarity, entries, temperature, log_b) + of_row)
    return csr_array((share, similarity.indices, similarity.indptr), shape=similarity.shape)


def _change(before: Doubles, after: Doubles) -> float:
    """sum_k |b_k / b'_k - 1|, from the logarithms of both."""
    return float(np.abs(np.expm1(np.minimum(before - after, 100))).sum())  # more would be infinite soon


def _log_sums(similarity: csr_array, temperature: float, log_scale: Doubles) -> Doubles:
    """The logarithm of the sum of K times the other side's scale in each row; of an empty row, 0."""
    sums = np.zeros(similarity.shape[0])
    for rows, entries in _blocks(similarity):
        values = _scaled(similarity, entries, temperature, log_scale)
        lengths = np.diff(similarity.indptr)[rows]
        starts, filled = np.cumsum(lengths) - lengths, lengths > 0
        largest = np.maximum.reduceat(values, starts[filled])
        values -= np.repeat(largest, lengths[filled])
        of_rows = largest + np.log(np.add.reduceat(np.exp(values, out=values), starts[filled]))
        sums[rows][filled] = of_rows
    return sums


def _scaled(similarity: csr_array, entries: slice, temperature: float, log_scale: Doubles) -> Doubles:
    """float64: the logarithms of some entries of K, each times the scale of its column."""
    log_kernel = similarity.data[entries].astype(np.float64)
    log_kernel /= temperature
    log_kernel += log_scale[similarity.indices[entries]]
    return log_kernel


def _blocks(similarity: csr_array) -> Iterator[tuple[slice, slice]]:
    """Consecutive rows and their entries, about `BLOCK` of them, so that no table of doubles is made."""
    ends = similarity.indptr[1:]
    first = start = 0
    while start < similarity.nnz:
        stop = max(int(np.searchsorted(ends, start + BLOCK, "right")), first + 1)
        yield slice(first, stop), slice(start, int(ends[stop - 1]))
        first, start = stop, int(ends[stop - 1])


def _check(similarity: csr_array, rows: Doubles, columns: Doubles) -> None:
    if similarity.shape != (len(rows), len(columns)):
        raise DataError(
            f"similarities {similarity.shape} with {len(rows)} row and {len(columns)} column sums: "
            "they must agree"
        )
    if not (np.all(rows > 0) and np.all(columns > 0)):
        raise DataError(
            "a row or column sum is zero or negative: leave out what has nothing to give or to take"
        )
    if (empty := np.flatnonzero(np.diff(similarity.indptr) == 0)).size:
        raise DataError(f"row {empty[0]} has no column that it could go to: give every row an entry")
