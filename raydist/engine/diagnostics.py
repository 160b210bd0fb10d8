"""What the log says of the targets of an epoch. The only place beside evaluation where identities are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from raydist.clustering.quality import ari, nmi, noise_share, purity
from raydist.engine.inputs import Inputs
from raydist.methods.method import Targets
from raydist.types import NOISE, UNKNOWN_IDENTITY, Ints, Labels, Modality


def describe(targets: Targets, inputs: Inputs) -> dict[str, Any]:
    """Clusters and noise of each modality, their agreement with the identities where known, and the method's figures.

    Returns:
        ``{"clusters": {"visible": {"count", "noise", "ari", "nmi", "purity"}, "infrared": {...}}, "figures": {...}}``,
        without the clusters when the stage made none.
    """
    report: dict[str, Any] = {"figures": dict(targets.figures)} if targets.figures else {}
    if (targets.labels != NOISE).any():
        report["clusters"] = {
            m.label: _of_one_modality(targets.labels, inputs.truth.identity, inputs.tracklets.modality == m) for m in Modality
        }
    return report


def _of_one_modality(labels: Labels, identity: Ints, chosen: np.ndarray) -> dict[str, float]:
    found = labels[chosen]
    report = {"count": len(np.unique(found[found != NOISE])), "noise": round(noise_share(found), 4)}
    known = identity[chosen] != UNKNOWN_IDENTITY
    if known.any():
        pair = (identity[chosen][known], found[known])
        report |= {"ari": round(ari(*pair), 4), "nmi": round(nmi(*pair), 4), "purity": round(purity(*pair), 4)}
    return report
