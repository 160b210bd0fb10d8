from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.engine.diagnostics import LabelDiagnostics, label_diagnostics
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.method import Targets
from raydist.types import NOISE, UNKNOWN_IDENTITY, Modality

MODALITY = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int8)
IDENTITY = np.array([5, 5, 6, 6, 5, 5, 6, 6])
INPUTS = SimpleNamespace(
    tracklets=SimpleNamespace(modality=MODALITY), truth=SimpleNamespace(identity=IDENTITY)
)
LABELS = np.array([0, 0, 1, 1, 2, 2, 3, 3])


def test_clusters_are_described_for_each_modality():
    merged = np.array([0, 0, 1, NOISE, 2, 2, 2, 2])
    clusters = label_diagnostics(Targets(merged, diagnosis=Diagnosis(labels_before=LABELS)), INPUTS).clusters
    assert (clusters["visible"]["count"], clusters["infrared"]["count"]) == (2, 1)
    assert (clusters["visible"]["noise"], clusters["infrared"]["purity"]) == (0.25, 0.5)
    assert (clusters["infrared"]["ari"], clusters["infrared"]["ari_before"]) == (0.0, 1.0)


def test_an_association_is_described_where_there_is_one():
    assignment = np.array([-1, -1, -1, -1, 0, 1, 1, 1])
    uncertainty = np.array([np.nan] * 4 + [0.1, 0.9, 0.2, 0.3])
    diagnosis = Diagnosis(assignment=assignment, uncertainty=uncertainty)
    association = label_diagnostics(Targets(LABELS, diagnosis=diagnosis), INPUTS).association
    assert association == {"imbalance": 1.0, "assignment_accuracy": 0.75, "uncertainty_auroc": 1.0}


def test_joint_clusters_are_scored_over_both_modalities():
    joint = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    assert label_diagnostics(Targets(joint), INPUTS).association == {"imbalance": 1.0, "joint_ari": 1.0}
    swapped = np.array([0, 0, 1, 1, 1, 1, 0, 0])
    report = label_diagnostics(Targets(swapped), INPUTS)
    assert report.association["joint_ari"] < 0
    assert [report.clusters[m.label]["ari"] for m in Modality] == [1.0, 1.0]
    assert "joint_ari" not in label_diagnostics(Targets(LABELS), INPUTS).association


def test_rows_that_were_not_clustered_are_left_out():
    half = np.array([0, NOISE, 1, NOISE, 0, 0, 1, 1])
    clustered = np.array([1, 0, 1, 0, 1, 1, 1, 1], bool)
    report = label_diagnostics(Targets(half, clustered=clustered), INPUTS)
    assert report.association["joint_ari"] == 1.0
    assert report.clusters["visible"] == {"count": 2, "noise": 0.0, "ari": 1.0, "nmi": 1.0, "purity": 1.0}
    assert label_diagnostics(Targets(half), INPUTS).clusters["visible"]["noise"] == 0.5


def test_links_are_described_without_clusters():
    links = csr_array((np.ones(3), ([0, 2, 4], [1, 4, 5])), shape=(8, 8))
    targets = Targets(np.full(8, NOISE), diagnosis=Diagnosis(links_within=links))
    diagnostics = label_diagnostics(targets, INPUTS)
    assert diagnostics.clusters == {}
    assert diagnostics.association == {"within_precision": pytest.approx(2 / 3, abs=1e-4)}


def test_nothing_is_said_of_nothing():
    assert label_diagnostics(Targets(np.full(8, NOISE)), INPUTS) == LabelDiagnostics({}, {})


def test_an_infrared_tracklet_is_judged_by_the_visible_cluster_alone():
    """Cluster numbers are joint: infrared members never lend their identity to a visible cluster."""
    assert MODALITY[4] == Modality.INFRARED
    assignment = np.array([-1, -1, -1, -1, 1, 1, 0, 0])
    targets = Targets(LABELS, diagnosis=Diagnosis(assignment=assignment))
    assert label_diagnostics(targets, INPUTS).association["assignment_accuracy"] == 0.0


@pytest.mark.parametrize("seed", range(8))
def test_the_numbers_of_the_identities_change_no_value(seed):
    """Every measure of clusters, assignments and links, with persons tied in most clusters."""
    rng = np.random.default_rng(seed)
    modality = np.repeat(np.array([0, 1], np.int8), 30)
    labels, before = rng.integers(NOISE, 9, 60), rng.integers(NOISE, 9, 60)
    links = [csr_array((rng.random((60, 60)) < 0.1).astype(float)) for _ in range(2)]
    diagnosis = Diagnosis(
        labels_before=before,
        assignment=np.where(modality == Modality.INFRARED, rng.integers(NOISE, 9, 60), NOISE),
        uncertainty=rng.random(60),
        links_within=links[0],
        links_across=links[1],
    )
    identity = rng.integers(UNKNOWN_IDENTITY, 5, 60)
    reports = []
    for numbers in (np.arange(5), np.arange(5)[::-1], rng.permutation(5), rng.permutation(5) * 10**12):
        renumbered = np.append(numbers, UNKNOWN_IDENTITY)[identity]
        inputs = SimpleNamespace(
            tracklets=SimpleNamespace(modality=modality), truth=SimpleNamespace(identity=renumbered)
        )
        reports.append(label_diagnostics(Targets(labels, diagnosis=diagnosis), inputs))
    assert all(report == reports[0] for report in reports)
    assert set(reports[0].clusters["visible"]) == {"count", "noise", "ari", "nmi", "purity", "ari_before"}
    assert set(reports[0].association) == {
        "imbalance",
        "joint_ari",
        "assignment_accuracy",
        "uncertainty_auroc",
        "within_precision",
        "across_precision",
    }
