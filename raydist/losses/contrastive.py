"""Contrast of features with the rows of a memory: clusters, single tracklets, soft targets.

Features may be of any length, their cosine is taken; the rows of a memory are of unit length. Everything is
computed in the type of the memory, so that half-precision features meet a float32 softmax.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raydist.losses.columns import ELSEWHERE, WHOLE, Columns, log_sum_exp
from raydist.types import NOISE


def cosine_logits(
    features: Tensor, prototypes: Tensor, *, temperature: float, columns: Columns = WHOLE
) -> Tensor:
    """Cosine of every feature and every prototype, over the temperature.

    Args:
        features: [B, D] of any length; a zero vector is at cosine 0 to everything.
        prototypes: [C, D] unit rows.
        temperature: > 0.
        columns: which rows are in `prototypes`, where others are with other processes.

    Returns:
        [B, C].
    """
    return columns.entering(F.normalize(features.to(prototypes.dtype))) @ prototypes.T / temperature


def cluster_contrast(features: Tensor, labels: Tensor, prototypes: Tensor, *, temperature: float) -> Tensor:
    """Cross-entropy over all prototypes of a cluster memory: the ClusterNCE loss.

    Dai et al., Cluster Contrast, 2021.

    -log exp(x.M_y / t) / sum_c exp(x.M_c / t), mean over the rows that belong to a cluster.

    Args:
        features: [B, D] of any length.
        labels: int64 [B]; rows of `NOISE` are left out.
        prototypes: [C, D] unit rows.
        temperature: t > 0.

    Returns:
        A scalar; zero, still with a graph, if all rows are noise.

    >>> eye = torch.eye(2)
    >>> round(float(cluster_contrast(eye, torch.tensor([0, -1]), eye, temperature=1.0)), 4)
    0.3133
    """
    logits = cosine_logits(features, prototypes, temperature=temperature)
    total = F.cross_entropy(logits, labels, ignore_index=NOISE, reduction="sum")
    return total / (labels != NOISE).sum().clamp(min=1)


def instance_logits(
    features: Tensor,
    rows: Tensor,
    slots: Tensor,
    admissible: Tensor,
    *,
    temperature: float,
    candidates: Tensor | None = None,
    columns: Columns = WHOLE,
) -> Tensor:
    """Logits of each feature against its own slot, first, and against the admissible other ones.

    Args:
        features: [B, D] of any length.
        rows: int64 [B], the tracklet of each feature.
        slots: [N, D] unit rows, one a tracklet.
        admissible: bool [B, N], or [B, n] with candidates: which slots are negatives of a feature, such as
            those of its view that it does not ignore. The own slot counts once, whatever this says of it.
        temperature: > 0.
        candidates: int64 [n], the only slots that can be negatives (those of the views in the batch), by
            their places in `slots`; None for all.
        columns: which slots are in `slots`, where others are with other processes.

    Returns:
        [B, 1 + n], minus infinity where a slot is not admissible; column 0 is the own slot, `ELSEWHERE` where
        another process has it.
    """
    places = torch.arange(len(slots), device=slots.device) if candidates is None else candidates
    others = slots if candidates is None else slots[candidates]
    features = columns.entering(F.normalize(features.to(slots.dtype)))
    is_here, place = columns.here(rows)
    own = (features[is_here] * slots[place[is_here]]).sum(dim=1) / temperature
    first = features.new_full((len(rows),), ELSEWHERE).masked_scatter(is_here, own)
    itself = is_here[:, None] & (places == place[:, None])
    negatives = (features @ others.T).masked_fill(~admissible | itself, -torch.inf) / temperature
    return torch.cat([first[:, None], negatives], dim=1)


def own_logit(logits: Tensor, columns: Columns = WHOLE) -> Tensor:
    """[...]: the first column of `instance_logits` [..., 1 + n], from the process that has it."""
    first = logits[..., 0]
    return columns.total(first.masked_fill(first <= ELSEWHERE, 0))


def instance_contrast(
    features: Tensor,
    rows: Tensor,
    slots: Tensor,
    admissible: Tensor,
    *,
    temperature: float,
    candidates: Tensor | None = None,
    columns: Columns = WHOLE,
) -> Tensor:
    """Tell each tracklet apart from the admissible others (every tracklet its own class).

    -log exp(x.T_i / t) / (exp(x.T_i / t) + sum over admissible k of exp(x.T_k / t)), mean over the batch.

    Args:
        features: [B, D] of any length.
        rows: int64 [B], the tracklet of each feature.
        slots: [N, D] unit rows, one a tracklet.
        admissible: bool [B, N], or [B, n] with candidates, as in `instance_logits`.
        temperature: t > 0.
        candidates: int64 [n], the only slots that can be negatives; None for all.
        columns: which slots are in `slots`, where others are with other processes.

    Returns:
        A scalar; zero, still with a graph, for an empty batch or if nothing is admissible.

    >>> eye = torch.eye(2)
    >>> admissible = torch.tensor([[False, True], [False, False]])
    >>> round(float(instance_contrast(eye, torch.tensor([0, 1]), eye, admissible, temperature=1.0)), 4)
    0.1566
    """
    logits = instance_logits(
        features, rows, slots, admissible, temperature=temperature, candidates=candidates, columns=columns
    )
    return (log_sum_exp(logits, columns) - own_logit(logits, columns)).sum() / max(1, len(logits))


def soft_cross_entropy(logits: Tensor, targets: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy with soft targets: sum_i w_i sum_c -t_ic log softmax(z_i)_c / sum_i w_i.

    Args:
        logits: [B, C], finite.
        targets: [B, C] >= 0, rows that sum to 1.
        weights: [B] >= 0; None for equal ones.

    Returns:
        A scalar; zero, still with a graph, if the batch is empty or all weights are zero.

    >>> round(float(soft_cross_entropy(torch.zeros(1, 2), torch.tensor([[0.5, 0.5]]))), 4)
    0.6931
    """
    entropy = -(targets * F.log_softmax(logits, dim=1)).sum(dim=1)
    weights = torch.ones_like(entropy) if weights is None else weights
    return (weights * entropy).sum() / weights.sum().clamp(min=torch.finfo(entropy.dtype).tiny)
