"""What the log says of the targets of an epoch. The only place beside evaluation where identities are read."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from raydist.association.quality import correct_assignments, link_precision, uncertainty_auroc
from raydist.clustering.quality import ari, mixed_share, nmi, noise_share, purity
from raydist.engine.inputs import Inputs
from raydist.methods.method import Targets
from raydist.types import NOISE, UNKNOWN_IDENTITY, Ints, Labels, Modality

LINKS = ("within", "across")
"""Arrays of `Targets` that hold links between tracklets."""


def label_diagnostics(targets: Targets, inputs: Inputs) -> dict[str, Any]:
    """What a refresh made, and how much of it agrees with the identities where these are known.

    Rows that were not offered to the clustering (``targets.arrays["clustered"]`` is false) are left out.

    Returns:
        ``clusters``: for each modality ``{"count", "noise", "ari", "nmi", "purity"}``, and ``ari_before`` where clusters were
        reorganised; left out when the stage made none. ``association``: ``{"imbalance", "joint_ari", "assignment_accuracy",
        "uncertainty_auroc", "within_precision", "across_precision"}``, whichever apply: ``joint_ari`` is that of both
        modalities together, where a cluster holds both. ``figures``: the method's own. ``criteria``: see
        `raydist.engine.criteria`, where they are asked for.
    """
    given = {"figures": targets.metrics, "criteria": targets.criteria}
    report: dict[str, Any] = {name: dict(values) for name, values in given.items() if values}
    if (targets.labels != NOISE).any():
        report["clusters"] = {m.label: _of_one_modality(targets, inputs, m) for m in Modality}
    if association := _association(targets, inputs):
        report["association"] = association
    return report


def _of_one_modality(targets: Targets, inputs: Inputs, modality: Modality) -> dict[str, float]:
    chosen = targets.offered & (inputs.tracklets.modality == modality)
    found, identity = targets.labels[chosen], inputs.truth.identity[chosen]
    report = {"count": _count(found), "noise": round(noise_share(found), 4)}
    known = identity != UNKNOWN_IDENTITY
    if known.any():
        pair = (identity[known], found[known])
        report |= {
            "ari": round(ari(*pair), 4),
            "nmi": round(nmi(*pair), 4),
            "purity": round(purity(*pair), 4),
        }
        if "labels_before" in targets.arrays:
            before = np.asarray(targets.arrays["labels_before"])[chosen][known]
            report["ari_before"] = round(ari(pair[0], before), 4)
    return report


def _association(targets: Targets, inputs: Inputs) -> dict[str, float]:
    identity, arrays = inputs.truth.identity, targets.arrays
    found: dict[str, float | None] = {}
    counts = {m: _count(targets.labels[inputs.tracklets.modality == m]) for m in Modality}
    if all(counts.values()):
        found["imbalance"] = counts[Modality.VISIBLE] / counts[Modality.INFRARED]
    known = targets.offered & (identity != UNKNOWN_IDENTITY)
    if known.any() and mixed_share(targets.labels, inputs.tracklets.modality):
        found["joint_ari"] = ari(identity[known], targets.labels[known])
    if "assignment" in arrays:
        found |= _assignment(np.asarray(arrays["assignment"]), targets, inputs)
    for name in LINKS:
        if isinstance(links := arrays.get(name), csr_array):
            found[f"{name}_precision"] = link_precision(links, identity)
    return {name: round(value, 4) for name, value in found.items() if value is not None}


def _assignment(assignment: Ints, targets: Targets, inputs: Inputs) -> dict[str, float | None]:
    """How many infrared tracklets are assigned to a visible cluster of their person, and whether doubt is well placed."""
    visible: Labels = np.where(inputs.tracklets.modality == Modality.VISIBLE, targets.labels, NOISE)
    rows, right = correct_assignments(assignment, visible, inputs.truth.identity)
    if not len(rows):
        return {}
    found: dict[str, float | None] = {"assignment_accuracy": float(right.mean())}
    if "uncertainty" in targets.arrays:
        found["uncertainty_auroc"] = uncertainty_auroc(np.asarray(targets.arrays["uncertainty"])[rows], right)
    return found


def _count(labels: Labels) -> int:
    return len(np.unique(labels[labels != NOISE]))
