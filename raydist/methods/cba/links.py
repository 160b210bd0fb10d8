"""Which visible cluster each infrared one belongs to, and its counterpart in return (PGUR of CBA).

CBA, arXiv 2604.15631. The members of an infrared cluster say together to which guide (reliable visible
prototype) it belongs, and how surely; a visible cluster learns from all infrared ones that belong to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from raydist.association.sparse_rows import likeliest_column
from raydist.methods.cba.posterior import cluster_means, row_entropies
from raydist.types import NOISE, Doubles, Floats, Ints, Labels, unit_rows


class Links(NamedTuple):
    """Which guide each infrared cluster belongs to.

    Attributes:
        profile: float64 CSR [C, G], the weighted mean posterior of each cluster, Pi.
        host: int64 [C], its likeliest guide.
        confidence: float64 [C] in [0, 1], 1 - H(Pi) / log G.
    """

    profile: csr_array
    host: Ints
    confidence: Doubles


def link(posterior: csr_array, labels: Labels, weights: Doubles) -> Links:
    """Link infrared clusters to guides; several may share one.

    Args:
        posterior: float64 CSR [n, G], no row empty, G >= 2.
        labels: int64 [n], numbered without a gap.
        weights: float64 [n] > 0, how certain each tracklet is.
    """
    profile = cluster_means(posterior, labels, weights=weights)
    confidence = 1 - row_entropies(profile) / np.log(profile.shape[1])
    return Links(profile, likeliest_column(profile), np.clip(confidence, 0, 1))


def counterparts(prototypes: Floats, host: Ints, confidence: Doubles) -> tuple[Ints, Floats]:
    """The counterpart of each visible cluster that hosts an infrared one: norm(sum_j gamma_j nu_j).

    Args:
        prototypes: float32 [C, D], nu, unit rows of the infrared clusters.
        host: int64 [C], the visible cluster of each; NOISE for none.
        confidence: float64 [C], gamma; clusters with none count for next to nothing, but for more than none.

    Returns:
        int64 [L] visible clusters, ascending, and float32 [L, D] unit rows.

    >>> counterparts(np.eye(2, dtype=np.float32), np.array([7, 7]), np.array([0.6, 0.8]))
    (array([7]), array([[0.6, 0.8]], dtype=float32))
    """
    hosted = host != NOISE
    visible, of = np.unique(host[hosted], return_inverse=True)
    total = np.zeros((len(visible), prototypes.shape[1]))
    weight = np.maximum(confidence[hosted], 1e-6)
    np.add.at(total, of, weight[:, None] * prototypes[hosted])
    return visible, unit_rows(total).astype(np.float32)
