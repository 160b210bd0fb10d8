"""The losses across the modalities: refined labels, and predictions like the neighbours' labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raydist.losses.contrastive import cosine_logits, soft_cross_entropy
from raydist.losses.divergence import divergence_from_targets
from raydist.methods.common.labels import at
from raydist.methods.dotla.assignment import AssignedArrays
from raydist.methods.steps import Batch, Memories
from raydist.types import NOISE, Modality


def refined_targets(labels: Tensor, neighbours: Tensor, *, beta: float) -> Tensor:
    """t = beta onehot(y) + (1 - beta) q.

    Args:
        labels: int64 [B], y.
        neighbours: [B, C], q, rows that sum to 1; a row without neighbours is empty, and its label stays.
        beta: the share of the label.

    Returns:
        [B, C], rows that sum to 1.

    >>> q = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    >>> refined_targets(torch.tensor([0, 0]), q, beta=0.5)
    tensor([[0.5000, 0.5000],
            [1.0000, 0.0000]])
    """
    rest = (1 - beta) * neighbours
    return rest + (1 - rest.sum(dim=1, keepdim=True)) * F.one_hot(labels, neighbours.shape[1])


def terms_across(
    batch: Batch, memories: Memories, arrays: AssignedArrays, *, temperature: float, beta: float
) -> dict[str, Tensor]:
    """Both directions of the cross term, and their regulariser: ``consistency``, KL(q || p) of both.

    Args:
        batch: clips of both modalities; outliers are left out.
        memories: with ``visible`` and ``infrared``, [C, D] unit rows.
        arrays: the labels and neighbours of the rows.
        temperature: > 0, of the predictions p.
        beta: see `refined_targets`.

    Returns:
        ``visible-to-infrared``, ``infrared-to-visible`` and ``consistency``, each the mean of the clip views.
    """
    terms, consistency = {}, []
    of_both = torch.from_numpy(arrays.neighbours[batch.rows.cpu().numpy()].toarray())
    by_modality = dict(
        zip(Modality, of_both.split([len(memories[m.label]) for m in Modality], 1), strict=True)
    )
    for source in Modality:
        prototypes = memories[source.other.label]
        labels = at(arrays.assigned_from(source), batch.rows)
        chosen = labels != NOISE
        q = by_modality[source.other].to(prototypes)[chosen]
        t = refined_targets(labels[chosen], q, beta=beta)
        logits = [
            cosine_logits(x[chosen], prototypes, temperature=temperature) for x in batch.views_of(source)
        ]
        name = f"{source.label}-to-{source.other.label}"
        terms[name] = torch.stack([soft_cross_entropy(z, t) for z in logits]).mean()
        consistency.append(torch.stack([divergence_from_targets(z, q) for z in logits]).mean())
    return terms | {"consistency": torch.stack(consistency).sum()}
