"""HCL, hierarchical contrastive learning: clips and prototypes across cameras and across modalities.

The level below these two, within a camera view, is that of the tracklet warm-up:
`raydist.losses.contrastive.instance_contrast`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.sparse import csr_array
from torch import Tensor

from raydist.losses.columns import WHOLE, Columns, log_sum_exp, most_similar
from raydist.losses.contrastive import cosine_logits

NUM_FRAMES = 2
"""Frames of a clip that are told apart on their own."""


@dataclass(frozen=True)
class Level:
    """Positives and possible negatives of every tracklet at one level of the hierarchy.

    Attributes:
        view: int64 [N].
        opposed: bool [U, U], whether tracklets of the second view can be negatives of those of the first.
        weights: CSR [N, N], the weights of the positives of row i in row i.
        barred: CSR [N, N], a value for all that are not negatives of row i: its positives and the likely
            pieces of their passes.
    """

    view: Tensor
    opposed: Tensor
    weights: csr_array
    barred: csr_array

    @classmethod
    def of(cls, weights: csr_array, ignored: csr_array, *, view: Tensor, opposed: Tensor) -> Level:
        """A level from its positives and the ignore graph."""
        return cls(view, opposed, weights, csr_array(weights + weights @ ignored))

    def at(self, rows: Tensor, columns: Columns = WHOLE) -> tuple[Tensor, Tensor]:
        """Weights and negatives (bool) [B, n] of the rows of a batch, for the columns here, on its device."""
        chosen, span = rows.cpu(), columns.span
        weights = torch.from_numpy(self.weights[chosen.numpy()][:, span].toarray()).float()
        barred = torch.from_numpy(self.barred[chosen.numpy()][:, span].toarray() > 0)
        negatives = self.opposed[self.view[chosen]][:, self.view[span]] & ~barred
        return weights.to(rows.device), negatives.to(rows.device)


def prototype_contrast(
    features: Tensor,
    prototypes: Tensor,
    weights: Tensor,
    negatives: Tensor,
    *,
    temperature: float,
    num_hard: int,
    columns: Columns = WHOLE,
) -> Tensor:
    """Draw every clip to its weighted positives, against all of them and its hardest negatives.

    With P the positives and H the `num_hard` most similar negatives of a clip, both prototypes p: -sum_j w_j
    log [exp(z.p_j / t) / (sum over P and H of exp(z.p / t))], w_j of sum 1; mean over the clips with a
    positive.

    Args:
        features: [B, D] of any length.
        prototypes: [N, D] unit rows.
        weights: [B, N] >= 0; a positive is where it is not zero.
        negatives: bool [B, N], no positive among them.
        temperature: t > 0.
        num_hard: negatives that are looked at, >= 0.
        columns: which prototypes are in `prototypes`, where others are with other processes.

    Returns:
        A scalar; zero, still with a graph, if no clip has a positive.

    >>> eye = torch.eye(3)
    >>> weights, negatives = torch.tensor([[0, 2.0, 0]]), torch.tensor([[False, False, True]])
    >>> round(float(prototype_contrast(eye[:1], eye, weights, negatives, temperature=1.0, num_hard=50)), 4)
    0.6931
    """
    total_weight = columns.total(weights.sum(dim=1))
    has_positive = total_weight > 0
    logits = cosine_logits(features[has_positive], prototypes, temperature=temperature, columns=columns)
    shares = (weights[has_positive] / total_weight[has_positive, None]).to(logits.dtype)
    positives = log_sum_exp(logits.masked_fill(shares == 0, -torch.inf), columns)
    others = logits.masked_fill(~negatives[has_positive], -torch.inf)
    hardest = most_similar(others, num_hard, columns)
    total = torch.logsumexp(torch.cat([positives[:, None], hardest], dim=1), dim=1)
    return (total - columns.total((shares * logits).sum(dim=1))).sum() / max(1, len(logits))


def frames_apart(rows: Tensor, num_frames: int) -> list[int]:
    """Two positions in a clip, half its length apart; other ones in every batch, equal on every worker.

    Args:
        rows: int64 [B], the rows of the global batch; their sum takes the place of a random number.
        num_frames: T.

    >>> frames_apart(torch.tensor([3, 4]), 6)
    [1, 4]
    """
    first = int(rows.sum()) % num_frames
    return [(first + k * num_frames // NUM_FRAMES) % num_frames for k in range(NUM_FRAMES)]
