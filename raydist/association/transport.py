"""Balanced assignment by entropic optimal transport (Cuturi, "Sinkhorn Distances", NeurIPS 2013).

Where each row by itself would take its nearest column, a plan with given column sums keeps a few popular
columns from taking everything: every column gets its share of the rows. A row may have just a few columns
that it can go to, such as its nearest ones: then no table of all pairs is needed.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from raydist.errors import ConfigError, DataError
from raydist.types import Doubles, Ints


def sinkhorn(
    similarity: csr_array, *, rows: Doubles, columns: Doubles, temperature: float, num_iterations: int = 30
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
        num_iterations: how often b and a are fitted, >= 1.

    Returns:
        float64 CSR [n, m] >= 0 of the same entries; each row sums to 1.

    Raises:
        DataError: the shapes do not fit, a row has no entry, or a row or column sum is not positive.
        ConfigError: the temperature or the number of iterations is out of range.

    >>> s = csr_array(np.array([[1.0, 0.1], [1.0, 0.9]]))
    >>> sinkhorn(s, rows=np.ones(2), columns=np.ones(2), temperature=0.2).toarray().round(2)
    array([[0.88, 0.12],
           [0.12, 0.88]])
    """
    _check(similarity, rows, columns)
    if temperature <= 0 or num_iterations < 1:
        raise ConfigError(f"temperature {temperature}, {num_iterations} iterations: expected > 0 and >= 1")
    log_kernel = similarity.data.astype(np.float64) / temperature
    log_rows, log_columns = np.log(rows / np.sum(rows)), np.log(columns / np.sum(columns))
    of_row = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(similarity.indptr))
    of_column, by_column = similarity.indices, np.argsort(similarity.indices, kind="stable").astype(np.int32)
    taken, starts = np.unique(of_column[by_column], return_index=True)
    log_a, log_b = np.zeros(len(rows)), np.zeros(len(columns))
    for _ in range(num_iterations):
        scaled = log_kernel + log_a[of_row]
        log_b[taken] = log_columns[taken] - _log_sums(scaled[by_column], starts)
        log_a = log_rows - _log_sums(log_kernel + log_b[of_column], similarity.indptr[:-1])
    share = np.exp(log_kernel + log_b[of_column] + (log_a - log_rows)[of_row])
    return csr_array((share, similarity.indices, similarity.indptr), shape=similarity.shape)


def _log_sums(values: Doubles, starts: Ints) -> Doubles:
    """The logarithm of the sum of the exponentials of each segment, none of them empty."""
    largest = np.maximum.reduceat(values, starts)
    values = values - np.repeat(largest, np.diff(starts, append=len(values)))
    sums: Doubles = largest + np.log(np.add.reduceat(np.exp(values, out=values), starts))
    return sums


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
