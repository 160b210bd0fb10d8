"""Contrast with several prototypes of one person at once, such as one a camera or one a modality.

CAP (Wang et al., Camera-aware Proxies for Unsupervised Person Re-Identification, AAAI 2021) draws to a proxy
of every camera; BMIL (Modality-Aware Bias Mitigation and Invariance Learning, AAAI 2026) to one of each
modality.
"""

from __future__ import annotations

import torch
from torch import Tensor

from raydist.losses.contrastive import cosine_logits, soft_cross_entropy


def multi_positive_contrast(
    features: Tensor, positives: Tensor, prototypes: Tensor, *, temperature: float, num_candidates: int
) -> Tensor:
    """Draw every feature to all its positives alike, against the hardest of the others.

    With P the positives of a feature and Q both them and the most similar other prototypes, `num_candidates`
    together (all prototypes where there are fewer): -(1 / |P|) sum over q in P of log softmax over Q (x.M /
    t)_q, mean over the features with a positive. It is least, log |P|, where all positives are equally
    similar and nothing else is.

    Args:
        features: [B, D] of any length.
        positives: bool [B, C]; a row without any is left out.
        prototypes: [C, D] unit rows.
        temperature: t > 0.
        num_candidates: |Q|, at least as many as a feature has positives.

    Returns:
        A scalar; zero, still with a graph, if no feature has a positive.

    >>> eye = torch.eye(3)
    >>> positives = torch.tensor([[True, True, False]])
    >>> both = torch.nn.functional.normalize(eye[:1] + eye[1:2])
    >>> round(float(multi_positive_contrast(both, positives, eye, temperature=0.01, num_candidates=50)), 4)
    0.6931
    """
    logits = cosine_logits(features, prototypes, temperature=temperature)
    ranked = logits.detach().masked_fill(positives, torch.inf)
    candidates = ranked.topk(min(num_candidates, len(prototypes)), dim=1).indices
    wanted = positives.gather(1, candidates).to(logits.dtype)
    number = wanted.sum(dim=1, keepdim=True)
    shares = wanted / number.clamp(min=1)
    return soft_cross_entropy(
        logits.gather(1, candidates), shares, weights=(number[:, 0] > 0).to(logits.dtype)
    )
