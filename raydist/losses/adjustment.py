"""Backdoor adjustment over the modality: what a feature's cluster is, whatever modality it is compared in.

CAI of DMDL (causality-inspired adjustment intervention, arXiv 2512.03745): the modality c of the prototypes
confounds feature and label, so the prediction is averaged over it (Pearl, Causality, 2009, section 3.3):

    P(y | do(x)) = sum_c P(c) P(y | x, c),    P(y | x, c) = softmax of the cosines with the prototypes of c.

It asks that the modalities *together* find the cluster. Against one memory of both it differs in the softmax,
one a modality.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raydist.losses.contrastive import cosine_logits

ABSENT = -1e4
"""log P of a class that a modality does not have: its exp is zero, and so is its gradient."""


def logits_among(features: Tensor, prototypes: Tensor, present: Tensor, *, temperature: float) -> Tensor:
    """Cosine of every feature and every prototype that there is, over the temperature.

    Args:
        features: [B, D] of any length.
        prototypes: [C, D] unit rows; those of absent classes are not looked at.
        present: bool [C].
        temperature: > 0.

    Returns:
        [B, C], minus infinity for absent classes.
    """
    return cosine_logits(features, prototypes, temperature=temperature).masked_fill(~present, -torch.inf)


def adjusted_log_probability(
    features: Tensor, prototypes: Tensor, present: Tensor, shares: Tensor, *, temperature: float
) -> Tensor:
    """log P(y | do(x)) of every class.

    Args:
        features: [B, D] of any length.
        prototypes: [A, C, D] unit rows, the same C classes in each of A modalities.
        present: bool [A, C], which classes a modality knows; at least one each.
        shares: [A] >= 0, P(c); they sum to 1.
        temperature: > 0.

    Returns:
        [B, C], finite; about `ABSENT` for a class that no modality knows.

    >>> x, known = torch.eye(2), torch.tensor([[True, True], [True, False]])
    >>> p = adjusted_log_probability(x, torch.stack([x, x]), known, torch.tensor([0.5, 0.5]), temperature=1.0)
    >>> p.exp().round(decimals=4)
    tensor([[0.8655, 0.1345],
            [0.6345, 0.3655]])
    """
    within = [
        F.log_softmax(logits_among(features, rows, known, temperature=temperature), dim=1).masked_fill(
            ~known, ABSENT
        )
        for rows, known in zip(prototypes, present, strict=True)
    ]
    return torch.logsumexp(torch.stack(within) + shares.to(prototypes.dtype).log()[:, None, None], dim=0)


def adjusted_contrast(
    features: Tensor,
    targets: Tensor,
    prototypes: Tensor,
    present: Tensor,
    shares: Tensor,
    *,
    temperature: float,
) -> Tensor:
    """The CAI loss: mean over the batch of -sum_y t_y log P(y | do(x)).

    Args:
        features: [B, D] of any length.
        targets: [B, C] >= 0, rows that sum to 1.
        prototypes: [A, C, D] unit rows.
        present: bool [A, C].
        shares: [A], P(c).
        temperature: > 0.

    Returns:
        A scalar; zero, still with a graph, for an empty batch.
    """
    log_probability = adjusted_log_probability(features, prototypes, present, shares, temperature=temperature)
    return -(targets * log_probability).sum() / max(1, len(features))
