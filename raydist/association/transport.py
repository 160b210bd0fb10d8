"""Balanced assignment by entropic optimal transport (Cuturi, "Sinkhorn Distances", NeurIPS 2013).

Where each row by itself would take its nearest column, a plan with given column sums keeps a few popular
columns from
taking everything: every column gets its share of the rows.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from raydist.errors import ConfigError, DataError
from raydist.types import Doubles


def sinkhorn(
    similarity: Doubles, *, rows: Doubles, columns: Doubles, temperature: float, num_iterations: int = 30
) -> Doubles:
    """The share of every row that goes to every column, when columns take what they have room for.

    With K = exp(s / t), the plan diag(a) K diag(b) of the given row and column sums comes from fitting b and
    a in turn, in logarithms; a is fitted last, so that each row of the plan has exactly its sum, by which it
    is divided.

    Args:
        similarity: [n, m], s.
        rows: [n] > 0, how much each row has to give; scaled to sum to 1.
        columns: [m] > 0, how much each column takes; scaled to sum to 1.
        temperature: t > 0; the smaller, the closer to a hard assignment.
        num_iterations: how often b and a are fitted, >= 1.

    Returns:
        float64 [n, m] >= 0; each row sums to 1.

    Raises:
        DataError: the shapes do not fit, or a row or column sum is not positive.
        ConfigError: the temperature or the number of iterations is out of range.

    >>> s = np.array([[1.0, 0.0], [1.0, 0.9]])
    >>> sinkhorn(s, rows=np.ones(2), columns=np.ones(2), temperature=0.2).round(2)
    array([[0.9, 0.1],
           [0.1, 0.9]])
    """
    if similarity.shape != (len(rows), len(columns)):
        raise DataError(
            f"similarities {similarity.shape} with {len(rows)} row and {len(columns)} column sums: "
            "they must agree"
        )
    if not (np.all(rows > 0) and np.all(columns > 0)):
        raise DataError(
            "a row or column sum is zero or negative: leave out what has nothing to give or to take"
        )
    if temperature <= 0 or num_iterations < 1:
        raise ConfigError(f"temperature {temperature}, {num_iterations} iterations: expected > 0 and >= 1")
    log_kernel = similarity.astype(np.float64) / temperature
    log_rows, log_columns = np.log(rows / np.sum(rows)), np.log(columns / np.sum(columns))
    log_a = np.zeros(len(rows))
    for _ in range(num_iterations):
        log_b = log_columns - logsumexp(log_kernel + log_a[:, None], axis=0)
        log_a = log_rows - logsumexp(log_kernel + log_b, axis=1)
    return np.exp(log_kernel + log_b + (log_a - log_rows)[:, None])
