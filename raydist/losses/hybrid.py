"""Contrast with both prototypes of a cluster (RPNR, Yin et al., ACM MM 2024; stage 1 of BMIL, AAAI 2026)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from raydist.losses.contrastive import cluster_contrast


def hybrid_contrast(
    features: Tensor, labels: Tensor, mean: Tensor, hard: Tensor, *, temperature: float, margin: float
) -> Tensor:
    """Cross-entropy over the hard prototypes, and over the mean ones as far as it exceeds a margin.

    L = 1/2 [CE(hard) + ReLU(CE(mean) - margin)], both means over the rows that belong to a cluster.

    Args:
        features: [B, D] of any length.
        labels: int64 [B]; rows of `NOISE` are left out.
        mean: [C, D] unit rows, moved by batch means.
        hard: [C, D] unit rows, moved by the hardest samples.
        temperature: > 0.
        margin: a cross-entropy with the mean prototypes below this is good enough.

    Returns:
        A scalar; zero, still with a graph, if all rows are noise.

    >>> import torch
    >>> eye = torch.eye(2)
    >>> round(float(hybrid_contrast(eye, torch.tensor([0, 1]), eye, eye, temperature=1.0, margin=0.2)), 4)
    0.2133
    """
    strict = cluster_contrast(features, labels, hard, temperature=temperature)
    even = cluster_contrast(features, labels, mean, temperature=temperature)
    return (strict + F.relu(even - margin)) / 2
