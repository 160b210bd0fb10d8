from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.engine.local_features import LocalFeatures
from raydist.methods.common.dual_contrast import dual_terms
from raydist.methods.dotla.assignment import AssignedArrays
from raydist.methods.dotla.contrast_across import terms_across
from raydist.methods.dotla.stages import TransportParams, TransportStage
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality


def test_tracklets_of_one_person_are_assigned_to_each_others_clusters(targets):
    arrays = AssignedArrays.of(targets)
    assert arrays.assigned.tolist() == [0, 0, 0, 1, 1, 1] * 2
    expected = np.zeros((12, 4))  # four neighbours: the person's three tracklets, and one of the other
    for row in range(12):
        person, first = row // 3 % 2, 2 if row < 6 else 0
        expected[row, first + person], expected[row, first + 1 - person] = 0.75, 0.25
    np.testing.assert_allclose(arrays.neighbours.toarray(), expected)
    assert targets.metrics == {"neighbour_agreement": pytest.approx(0.75)}


def test_the_assignment_of_infrared_tracklets_is_diagnosed(targets):
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]
    assert targets.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_lengths_of_means_do_not_change_the_assignment(context, features, targets):
    """Short means: the assignment is that of their directions."""
    raw = {m: spec.with_values(renormalise=False) for m, spec in context.clustering.items()}
    stage = TransportStage(replace(context, clustering=raw), TransportParams(num_neighbours=4))
    halves = (features * np.linspace(0.3, 1, 12, dtype=np.float32)[:, None, None]).astype(np.float32)
    found = stage.refresh(LocalFeatures(halves, context.tracklets), None, Epoch(0), np.random.default_rng(0))
    assert np.array_equal(found.arrays["assigned"], targets.arrays["assigned"])
    assert np.array_equal(found.arrays["neighbours"].toarray(), targets.arrays["neighbours"].toarray())


def test_the_loss_is_the_weighted_sum_of_its_terms(context, targets, features, memories_of):
    params = TransportParams(weight=0.7, consistency=0.2, beta=0.6)
    (step,) = TransportStage(context, params).optimizer_steps(targets, Epoch(0))
    batch, memories = Batch(torch.from_numpy(features[:, 0])[None], torch.arange(12)), memories_of(targets)
    terms, arrays = step.loss(batch, memories, {}), AssignedArrays.of(targets)
    dual = dual_terms(batch, memories, arrays.own, temperature=0.05)
    across = terms_across(batch, memories, arrays, temperature=0.05, beta=0.6)
    factor = {"visible-to-infrared": 0.7, "infrared-to-visible": 0.7, "consistency": 0.2}
    expected = dual | {name: factor[name] * value for name, value in across.items()}
    assert terms.keys() == expected.keys()
    for name, value in terms.items():
        torch.testing.assert_close(value, expected[name])


@pytest.mark.parametrize("cross_updates", [False, True])
@pytest.mark.parametrize("rule", ["mean", "in-turn"])
def test_memories_move_by_cross_labels_and_then_by_own_ones(
    context, targets, memories_of, cross_updates, rule
):
    params = TransportParams(cross_updates=cross_updates, momentum=0.3)
    (step,) = TransportStage(replace(context, memory_rule=rule), params).optimizer_steps(targets, Epoch(0))
    rows = torch.tensor([0, 3, 1, 0, 6, 9, 10, 6])  # labels come more than once
    x = torch.nn.functional.normalize(
        torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(1)), dim=-1
    )
    samples = {
        "visible": [(x[v, i], int(rows[i]) // 3) for v in (0, 1) for i in range(4)],
        "infrared": [(x[0, i], int(rows[i]) // 3 - 2) for i in range(4, 8)],
    }
    calls = [("infrared", samples["visible"]), ("visible", samples["infrared"])] if cross_updates else []
    calls += [(name, samples[name]) for name in ("visible", "infrared")]
    memories, expected = memories_of(targets), memories_of(targets)
    step.update(Batch(x, rows, shows=[None, Modality.VISIBLE]), memories)
    for name, moved in calls:  # a person's cluster has the same number in both modalities
        if rule == "mean":
            of_cluster = {c: [v for v, label in moved if label == c] for _, c in moved}
            moved = [(sum(values) / len(values), c) for c, values in of_cluster.items()]
        for v, c in moved:
            expected[name][c] = torch.nn.functional.normalize(0.3 * expected[name][c] + 0.7 * v, dim=0)
    for name in ("visible", "infrared"):
        torch.testing.assert_close(memories[name], expected[name])
