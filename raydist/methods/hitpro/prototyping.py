"""ICTP, intra-camera tracklet prototyping: one prototype a tracklet out of its sub-tracklets."""

from __future__ import annotations

import numpy as np

from raydist.types import Floats, tracklet_means, unit_rows


def tracklet_prototypes(parts: Floats, *, temperature: float = 0.1) -> Floats:
    """The mean of a tracklet's sub-tracklets, in which those unlike the rest weigh less.

    With the unit mean m_i of the z_ik: w_ik = softmax over k of z_ik . m_i / t, and p_i = norm(sum_k w_ik
    z_ik).

    Args:
        parts: float32 [N, K, D], unit features of K sub-tracklets of each tracklet.
        temperature: t > 0.

    Returns:
        float32 [N, D] unit rows.

    >>> tracklet_prototypes(np.array([[[1, 0], [1, 0], [0, 1]]], np.float32)).round(3)
    array([[1.   , 0.006]], dtype=float32)
    """
    agreement = np.einsum("nkd,nd->nk", parts, tracklet_means(parts), dtype=np.float64) / temperature
    weights = np.exp(agreement - agreement.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    total = np.einsum("nk,nkd->nd", weights, parts, dtype=np.float64)
    return unit_rows(total).astype(np.float32)
