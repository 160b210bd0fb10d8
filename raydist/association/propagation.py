"""Propagation of relations between tracklets: the second half of HiTPro's alignment (arXiv 2604.21324).

Features are averaged over friends; links across the modalities are followed through links within one, and
their weight is shared with likely pieces of the same pass.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from raydist.types import Floats


def aggregate(features: Floats, within: csr_array, friends: Floats) -> Floats:
    """Every feature with its friends': g_i = norm(p_i + sum_j w_ij p_j).

    Args:
        features: float32 [n, D], of any length.
        within: CSR [n, m], weights w.
        friends: float32 [m, D].

    Returns:
        float32 [n, D] unit rows; a zero sum stays zero.
    """
    total = features + within @ friends.astype(np.float64)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return (total / np.where(length > 0, length, 1)).astype(np.float32)


def propagate(
    across: csr_array, within: csr_array, *, discount: float = 0.5, least: float = 0.05
) -> csr_array:
    """Friends of a partner are partners too: W2 <- max(W2, discount W2 W1, discount W1 W2).

    Since W1 joins rows of one modality and W2 rows of two, every product joins rows of two.

    Args:
        across: symmetric CSR [N, N], W2.
        within: symmetric CSR [N, N], W1.
        discount: what a detour costs.
        least: smaller weights are dropped.

    Returns:
        Symmetric CSR [N, N]; a detour weighs 1 at most.
    """
    detour = csr_array(across @ within)
    detour.data = np.minimum(discount * detour.data, 1)
    weights = csr_array(across.maximum(detour).maximum(detour.T))
    weights.data[weights.data < least] = 0
    weights.eliminate_zeros()
    return weights


def spread_to_groups(weights: csr_array, ignored: csr_array) -> csr_array:
    """Share the weight of a positive with the likely pieces of its pass.

    w_ik <- max(w_ik, sum_j w_ij G_jk / |group of j|).

    The group of j is j and its neighbours in G. It is not closed transitively.

    Args:
        weights: CSR [N, N], the positives of row i in row i.
        ignored: symmetric boolean CSR [N, N], the ignore graph G, without a diagonal.

    Returns:
        CSR [N, N], in general not symmetric; a shared weight is 1 at most.
    """
    group_size = 1 + np.diff(ignored.indptr)
    each = csr_array(
        (weights.data / group_size[weights.indices], weights.indices, weights.indptr), shape=weights.shape
    )
    shared = csr_array(each @ ignored.astype(np.float64))
    shared.data = np.minimum(shared.data, 1)
    return csr_array(weights.maximum(shared))
