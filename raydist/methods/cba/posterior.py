"""Posteriors of tracklets over guides, as sparse rows: a tracklet looks at a few guides, not at all."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.special import entr

from raydist.types import NOISE, Doubles, Labels


def scaled_rows(matrix: csr_array, factors: Doubles) -> csr_array:
    """The rows of CSR [n, m], each times its factor."""
    values = matrix.data * np.repeat(factors, np.diff(matrix.indptr))
    return csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)


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
