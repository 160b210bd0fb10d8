"""What the log reports of the targets of an epoch. Beside evaluation, only this reads identities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raydist.association.quality import correct_assignments, link_precision, uncertainty_auroc
from raydist.clustering.quality import ari, mixed_share, nmi, noise_share, num_clusters, purity
from raydist.engine.inputs import Inputs
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.method import Targets
from raydist.types import NOISE, UNKNOWN_IDENTITY, Doubles, Ints, Labels, Modality


@dataclass(frozen=True)
class LabelDiagnostics:
    """The clusters and links of a refresh, and how far they agree with the identities where these are known.

    Attributes:
        clusters: for each modality ``count``, ``noise``, ``ari``, ``nmi`` and ``purity``, and ``ari_before``
            where clusters were refined; empty when the stage made none.
        association: ``imbalance``, the ratio of the numbers of clusters; ``joint_ari``, that of both
            modalities together, where a cluster holds both; ``assignment_accuracy`` and ``uncertainty_auroc``
            of the assignment of infrared tracklets to visible clusters (where k identities are equally
            frequent in a cluster, each counts by 1 / k); ``within_precision`` and ``across_precision`` of
            links between tracklets. Only the entries that apply.
    """

    clusters: Mapping[str, Mapping[str, float]]
    association: Mapping[str, float]


def label_diagnostics(targets: Targets, inputs: Inputs) -> LabelDiagnostics:
    """Compare the labels and links of an epoch with the identities.

    Rows that were not given to the clustering (`Targets.clustered`) are left out of the measures of clusters.
    """
    clusters = {}
    if (targets.labels != NOISE).any():
        clusters = {m.label: _of_modality(targets, inputs, m) for m in Modality}
    return LabelDiagnostics(clusters, _association(targets, inputs))


def _of_modality(targets: Targets, inputs: Inputs, modality: Modality) -> dict[str, float]:
    chosen = targets.clustered_rows & (inputs.tracklets.modality == modality)
    labels, identity = targets.labels[chosen], inputs.truth.identity[chosen]
    report = {"count": num_clusters(labels), "noise": round(noise_share(labels), 4)}
    known = identity != UNKNOWN_IDENTITY
    if known.any():
        pair = (identity[known], labels[known])
        report |= {
            "ari": round(ari(*pair), 4),
            "nmi": round(nmi(*pair), 4),
            "purity": round(purity(*pair), 4),
        }
        if targets.diagnosis is not None and targets.diagnosis.labels_before is not None:
            before = targets.diagnosis.labels_before[chosen][known]
            report["ari_before"] = round(ari(pair[0], before), 4)
    return report


def _association(targets: Targets, inputs: Inputs) -> dict[str, float]:
    values = _joint(targets, inputs)
    if targets.diagnosis is not None:
        values |= _links(targets.diagnosis, targets.labels, inputs)
    return {name: round(value, 4) for name, value in values.items() if value is not None}


def _joint(targets: Targets, inputs: Inputs) -> dict[str, float | None]:
    """What the clusters of both modalities say together."""
    modality, identity = inputs.tracklets.modality, inputs.truth.identity
    values: dict[str, float | None] = {}
    counts = {m: num_clusters(targets.labels[modality == m]) for m in Modality}
    if all(counts.values()):
        values["imbalance"] = counts[Modality.VISIBLE] / counts[Modality.INFRARED]
    known = targets.clustered_rows & (identity != UNKNOWN_IDENTITY)
    if known.any() and mixed_share(targets.labels, modality):
        values["joint_ari"] = ari(identity[known], targets.labels[known])
    return values


def _links(diagnosis: Diagnosis, labels: Labels, inputs: Inputs) -> dict[str, float | None]:
    """The links of every kind that the method made."""
    identity = inputs.truth.identity
    values: dict[str, float | None] = {}
    if diagnosis.assignment is not None:
        visible = np.where(inputs.tracklets.modality == Modality.VISIBLE, labels, NOISE)
        values |= _assignment(diagnosis.assignment, visible, diagnosis.uncertainty, identity)
    if diagnosis.links_within is not None:
        values["within_precision"] = link_precision(diagnosis.links_within, identity)
    if diagnosis.links_across is not None:
        values["across_precision"] = link_precision(diagnosis.links_across, identity)
    return values


def _assignment(
    assignment: Ints, visible: Labels, uncertainty: Doubles | None, identity: Ints
) -> dict[str, float | None]:
    """How many infrared tracklets are assigned to their person, and whether the uncertainty says which."""
    rows, right = correct_assignments(assignment, visible, identity)
    if not len(rows):
        return {}
    auroc = None if uncertainty is None else uncertainty_auroc(uncertainty[rows], right)
    return {"assignment_accuracy": float(right.mean()), "uncertainty_auroc": auroc}
