"""The loss across the modalities: each learns from the other as far as it is certain (PGUR of CBA)."""

from __future__ import annotations

import torch
from torch import Tensor

from raydist.losses.contrastive import cosine_logits, soft_cross_entropy
from raydist.methods.cba.targets import GuidedArrays
from raydist.methods.common.dual_contrast import contrast
from raydist.methods.common.labels import at
from raydist.methods.steps import Batch, Memories


def terms_across(
    batch: Batch, memories: Memories, arrays: GuidedArrays, *, temperature: float
) -> dict[str, Tensor]:
    """Both directions: ``infrared-to-visible`` (L_IV) and ``visible-to-infrared`` (L_VI).

    L_VI is the contrast of visible clips with the counterparts of their clusters; those of clusters without a
    counterpart are left out.

    Args:
        batch: clips of both modalities.
        memories: with ``visible``, [C_v, D] unit rows, and ``counterparts``, [L, D].
        arrays: the targets of infrared rows, and the counterparts of visible ones.
        temperature: > 0.
    """
    visible, counterparts = memories["visible"], memories["counterparts"]
    return {
        "infrared-to-visible": guided_contrast(batch, arrays, visible, temperature=temperature),
        "visible-to-infrared": contrast(
            batch.features, at(arrays.counterpart, batch.rows), counterparts, temperature=temperature
        ),
    }


def guided_contrast(batch: Batch, arrays: GuidedArrays, prototypes: Tensor, *, temperature: float) -> Tensor:
    """L_IV = sum w_i CE(t_i, p_i) / sum w_i over the infrared clips; the mean of all clip views.

    Args:
        batch: clips of both modalities; visible ones have no weight.
        arrays: t_i and w_i.
        prototypes: [C_v, D] unit rows.
        temperature: > 0.
    """
    rows, device = batch.rows.cpu().numpy(), prototypes.device
    t = torch.from_numpy(arrays.targets[rows].toarray()).to(device)
    w = torch.from_numpy(arrays.weights[rows]).to(device)
    logits = [cosine_logits(features, prototypes, temperature=temperature) for features in batch.features]
    return torch.stack([soft_cross_entropy(z, t, weights=w) for z in logits]).mean()
