"""How certain the visible prototype of an infrared tracklet is, and the tracklet's target then (PGUR of CBA).

CBA, arXiv 2604.15631. A video gives several predictions: a tracklet whose sub-tracklets point to different
prototypes, or each to several, is uncertain. It counts for less, and its target is soft in place of hard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import entr, softmax
from scipy.stats import rankdata

from raydist.association.sparse_rows import likeliest_column, listed_rows, row_maxima
from raydist.methods.cba.guides import NEAREST, nearest
from raydist.methods.cba.posterior import row_entropies, scaled_rows
from raydist.types import NOISE, Doubles, Floats, Ints, Labels

SMALLEST = 1e-3
"""Targets below this share of the largest of their row are left out."""


def uncertainty(
    parts: Floats, asked: NDArray[np.bool_], *, prototypes: Floats, temperature: float
) -> Doubles:
    """Half the entropy of the mean posterior of the sub-tracklets, and half how much they disagree.

    q_is = softmax(f_is mu / t) over the nearest guides of the sub-tracklet and q_i = mean q_is;
    uncertainty_i = H(q_i) / (2 log G) + (H(q_i) - mean H(q_is)) / (2 log K). The second term is the mutual
    information of sub-tracklet and prototype; it is zero for K = 1. Nothing is smoothed.

    Args:
        parts: float32 [n, K, D], unit view-centred features of the sub-tracklets.
        asked: bool [n]; other rows get 0.
        prototypes: float32 [G, D], unit rows of the guides, G >= 2.
        temperature: t > 0.

    Returns:
        float64 [n] in [0, 1].

    >>> eye = np.eye(2, dtype=np.float32)
    >>> uncertainty(eye[[[0, 0], [0, 1]]], np.ones(2, bool), prototypes=eye, temperature=0.01).round(3)
    array([0., 1.])
    """
    of_rows, rows, num_parts = np.zeros(len(parts)), np.flatnonzero(asked), parts.shape[1]
    if not len(rows):
        return of_rows
    numbers, similar = nearest(parts[rows].reshape(-1, parts.shape[2]), prototypes, NEAREST)
    posterior = softmax(similar / temperature, axis=1)
    entropy = entr(posterior).sum(axis=1).reshape(-1, num_parts).mean(axis=1)
    shape = (len(rows), numbers[:num_parts].size)
    mean = listed_rows(numbers.reshape(shape), posterior.reshape(shape) / num_parts, len(prototypes))
    mean.sum_duplicates()
    total = row_entropies(mean)
    disagreement = (total - entropy) / np.log(num_parts) if num_parts > 1 else np.zeros(len(rows))
    of_rows[rows] = np.clip(0.5 * total / np.log(len(prototypes)) + 0.5 * disagreement, 0, 1)
    return of_rows


def relative_rank(values: Doubles) -> Doubles:
    """The rank of each value among all, in (0, 1); equal values share the mean of their ranks.

    >>> relative_rank(np.array([5.0, 1.0, 1.0, 9.0]))
    array([0.625, 0.25 , 0.25 , 0.875])
    """
    ranks: Doubles = (rankdata(values) - 0.5) / len(values)
    return ranks


def graded_targets(posterior: csr_array, profile: csr_array, labels: Labels, rank: Doubles) -> csr_array:
    """Hard targets for the certain, soft ones for the uncertain.

    t_i = (1 - u_i) onehot(argmax q_i) + u_i (q_i + Pi_j) / 2 with j the cluster of i; of noise, q_i in place
    of Pi_j.

    Args:
        posterior: float64 CSR [n, G], q.
        profile: float64 CSR [C, G], Pi.
        labels: int64 [n], the cluster of each tracklet.
        rank: float64 [n] in [0, 1], u.

    Returns:
        float64 CSR [n, G], rows that sum to 1.
    """
    rows, members = np.arange(len(labels)), np.flatnonzero(labels != NOISE)
    shape = (len(labels), profile.shape[0])
    of_cluster = csr_array((0.5 * rank[members], (members, labels[members])), shape=shape) @ profile
    own = scaled_rows(posterior, np.where(labels == NOISE, rank, 0.5 * rank))
    likeliest = csr_array((1 - rank, (rows, likeliest_column(posterior))), shape=posterior.shape)
    return csr_array(own + of_cluster + likeliest)


def sparse_targets(targets: csr_array, columns: Ints, num_columns: int) -> csr_array:
    """Targets over guides as targets over all visible clusters, without their smallest values.

    Args:
        targets: float64 CSR [n, G], rows that sum to 1.
        columns: int64 [G], the visible cluster of each guide.
        num_columns: C_v.

    Returns:
        float32 CSR [n, C_v], rows that sum to 1.
    """
    counted = targets.copy()
    counted.data[targets.data < SMALLEST * np.repeat(row_maxima(targets), np.diff(targets.indptr))] = 0
    counted.eliminate_zeros()
    shares = scaled_rows(counted, 1 / counted.sum(axis=1))
    entries = shares.data.astype(np.float32), columns[shares.indices], shares.indptr
    return csr_array(entries, shape=(shares.shape[0], num_columns))
