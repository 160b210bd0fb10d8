from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from raydist.engine.local_features import LocalFeatures
from raydist.engine.loop import run_epoch
from raydist.engine.plan import Plan
from raydist.engine.state import build_state
from raydist.methods.cba.intervention import Intervention, InterventionParams
from raydist.methods.cba.stages import (
    InterventionWarmUp,
    IntraParams,
    IntraStage,
    RefinementParams,
    RefinementStage,
)
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch
from raydist.methods.slots import Slots
from raydist.methods.steps import Batch, Memories
from raydist.types import NOISE, Modality

MODES = ["hungarian", "coarse", "fine", "full"]


def refreshed(stage, context, features, epoch=0):
    return stage.refresh(
        LocalFeatures(features, context.tracklets), None, Epoch(epoch), np.random.default_rng(0)
    )


def some_batch(features, rows):
    """Two views of the clips of some tracklets, near their features."""
    x = torch.from_numpy(features[rows, 0]) + 0.3 * torch.randn(
        2, len(rows), 4, generator=torch.Generator().manual_seed(0)
    )
    return Batch(F.normalize(x, dim=2), torch.from_numpy(rows))


def slots_of(targets):
    return torch.tensor(targets.slots["tracklets"].part(0, 12)[1])


def refinement(context, **params):
    return RefinementStage(context, RefinementParams(**params), InterventionParams())


@pytest.mark.parametrize(
    ("clip_views", "ciw", "expected"),
    [
        (4, {}, ["(0,0)", "(0,d)", "(m,0)", "(m,d)"]),
        (2, {}, ["(0,0)", "(m,d)"]),
        (2, {"modality": False}, ["(0,0)", "(0,d)"]),
        (2, {"motion": False, "modality": False}, ["(0,0)", "(0,0)"]),
    ],
)
def test_later_stages_render_all_views_or_two(context, features, clip_views, ciw, expected):
    stage = IntraStage(context, IntraParams(clip_views=clip_views), InterventionParams(**ciw))
    assert [Intervention(kind).value for kind in stage.kinds] == expected
    (optimizer_step,) = stage.optimizer_steps(refreshed(stage, context, features), Epoch(0))
    assert len(optimizer_step.clip_views) == len(expected)


def test_the_intra_loss_is_dual_contrast_and_a_share_of_the_interventions(context, features, memories_of):
    batch = some_batch(features, np.arange(12))
    losses = []
    for weight in (0.3, 0.6):
        stage = IntraStage(context, IntraParams(lambda_ciw=weight), InterventionParams(ignore_slack=0.0))
        targets = refreshed(stage, context, features)
        (optimizer_step,) = stage.optimizer_steps(targets, Epoch(0))
        losses.append(optimizer_step.loss(batch, memories_of(targets), {}))
    assert losses[0].keys() == {"visible", "infrared", "tracklet", "invariance", "modality"}
    for name, half in losses[0].items():
        factor = 1 if name in ("visible", "infrared") else 2
        assert float(losses[1][name]) == pytest.approx(factor * float(half), rel=1e-5)
    assert losses[0]["tracklet"] > 0
    stage = IntraStage(context, IntraParams(lambda_ciw=0), InterventionParams())
    (optimizer_step,) = stage.optimizer_steps(targets, Epoch(0))
    assert optimizer_step.loss(batch, memories_of(targets), {}).keys() == {"visible", "infrared"}


@pytest.mark.parametrize("mode", MODES)
def test_the_terms_across_are_those_of_the_definition(context, features, memories_of, mode):
    stage = refinement(context, mode=mode, lambda_x=0.5, temperature=0.2)
    targets = refreshed(stage, context, features)
    batch, memories = some_batch(features, np.array([0, 4, 6, 7, 11, 9])), memories_of(targets)
    (optimizer_step,) = stage.optimizer_steps(targets, Epoch(0))
    terms = optimizer_step.loss(batch, memories, {})
    wanted = torch.from_numpy(targets.arrays["targets"].toarray())
    from_infrared, from_visible = [], []
    for clip_view in batch.features:
        above = below = 0.0
        of_visible = []
        for x, row in zip(clip_view, batch.rows.tolist(), strict=True):
            if context.tracklets.modality[row] == Modality.INFRARED:
                w = float(targets.arrays["weights"][row])
                above += w * -(wanted[row] * F.log_softmax(memories["visible"] @ x / 0.2, dim=0)).sum()
                below += w
            elif (own := int(targets.arrays["counterpart"][row])) != NOISE:
                of_visible.append(-F.log_softmax(memories["counterparts"] @ x / 0.2, dim=0)[own])
        from_infrared.append(above / below)
        from_visible.append(torch.stack(of_visible).mean())
    assert float(terms["infrared-to-visible"]) == pytest.approx(
        0.5 * float(torch.stack(from_infrared).mean()), rel=1e-4
    )
    assert float(terms["visible-to-infrared"]) == pytest.approx(
        0.5 * float(torch.stack(from_visible).mean()), rel=1e-4
    )
    assert terms["visible-to-infrared"] > 0


def test_people_are_aligned_by_every_mode(context, features):
    for mode in MODES:
        targets = refreshed(refinement(context, mode=mode), context, features)
        assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]
        assert targets.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_a_step_moves_clusters_and_slots_but_not_the_counterparts(context, features, memories_of):
    stage = refinement(context, momentum=0.5)
    targets = refreshed(stage, context, features)
    memories, before = memories_of(targets), memories_of(targets)
    (optimizer_step,) = stage.optimizer_steps(targets, Epoch(0))
    goal = torch.eye(4)[3]
    optimizer_step.update(Batch(goal.expand(2, 2, 4), torch.tensor([0, 9])), memories)
    for name, moved in (("visible", 0), ("infrared", 1)):
        expected = before[name].clone()
        expected[moved] = F.normalize(0.5 * expected[moved] + 0.5 * goal, dim=0)
        assert torch.allclose(memories[name], expected, atol=1e-6)
    slot = F.normalize(0.8 * before.slots["tracklets"].table[[0, 9]] + 0.2 * goal)
    assert torch.allclose(memories.slots["tracklets"].table[[0, 9]], slot, atol=1e-6)
    assert torch.equal(memories["counterparts"], before["counterparts"])


def test_outliers_are_drawn_where_they_are_taught_something(context, features):
    stray = features.copy()
    stray[11] = [[0, 0, 0, 1]]
    for mode in MODES:
        wide = replace(context, num_identities=dict.fromkeys(Modality, 6), num_instances=2)
        stage = refinement(wide, mode=mode, outliers=0.9)
        targets = refreshed(stage, context, stray)
        assert targets.labels[11] == NOISE
        (optimizer_step,) = stage.optimizer_steps(targets, Epoch(0))
        rows = optimizer_step.sampler(4, np.random.default_rng(0))
        assert (rows == 11).any() == (mode in ("fine", "full"))


ROWS = torch.tensor([4, 0, 11, 7, 5, 2])


def unit(*shape, seed):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(x, dim=-1)


@pytest.fixture
def warm_up(context):
    return InterventionWarmUp(context, InterventionParams(ignore_from=1))


def test_pieces_of_one_pass_are_ignored_once_features_mean_something(warm_up, context, features):
    """The first camera sees two visible persons, one of them in two pieces."""
    pieces = np.repeat(features, 2, axis=1)
    pieces[:3] = np.eye(4, dtype=np.float32)[[0, 0, 2], None]
    assert refreshed(warm_up, context, pieces, 0).arrays["ignored"].nnz == 0
    targets = refreshed(warm_up, context, pieces, 1)
    assert targets.arrays["ignored"].toarray()[:3, :3].astype(int).tolist() == [
        [0, 1, 0],
        [1, 0, 0],
        [0, 0, 0],
    ]
    assert targets.metrics["ignored_pairs"] == targets.arrays["ignored"].nnz / 2
    memory = slots_of(targets).double().requires_grad_()
    (optimizer_step,) = warm_up.optimizer_steps(targets, Epoch(1))
    sum(
        optimizer_step.loss(
            batch_of_features(pieces, torch.tensor([0])), Memories(slots={"tracklets": Slots(memory)}), {}
        ).values()
    ).backward()
    assert np.flatnonzero(memory.grad.abs().sum(dim=1)).tolist() == [0, 2]


def batch_of_features(features, rows):
    """Four views of clips that are near their tracklets."""
    x = torch.from_numpy(features[rows.numpy()].mean(axis=1)).double()
    return Batch(F.normalize(x + 0.1 * unit(4, *x.shape, seed=5), dim=-1), rows)


def test_a_refresh_repeats_itself_and_fills_the_slots_with_means(warm_up, context, features):
    pieces = np.concatenate([features, np.roll(features, 1, axis=0)], axis=1)
    one, other = (refreshed(warm_up, context, pieces, 1) for _ in range(2))
    assert np.array_equal(one.labels, other.labels)
    assert torch.equal(slots_of(one), slots_of(other))
    assert np.array_equal(one.arrays["ignored"].toarray(), other.arrays["ignored"].toarray())
    mean = pieces.mean(axis=1)
    np.testing.assert_allclose(slots_of(one), mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-6)


def test_a_slot_follows_the_original_alone(warm_up, context, features):
    targets = refreshed(warm_up, context, features, 0)
    slots, before = slots_of(targets), slots_of(targets)
    goals = torch.eye(4)[:, None]  # another direction for each view
    (optimizer_step,) = warm_up.optimizer_steps(targets, Epoch(0))
    optimizer_step.update(Batch(goals, torch.tensor([5])), Memories(slots={"tracklets": Slots(slots)}))
    torch.testing.assert_close(slots[5], F.normalize(0.8 * before[5] + 0.2 * goals[0, 0], dim=0))
    assert torch.equal(slots[:5], before[:5])


def test_labels_have_no_part_in_the_loss(warm_up, context, features):
    targets = refreshed(warm_up, context, features, 1)
    batch, memories = (
        batch_of_features(features, ROWS),
        Memories(slots={"tracklets": Slots(slots_of(targets))}),
    )
    blind = Targets(np.zeros(12, np.int64), targets.arrays)
    assert warm_up.optimizer_steps(targets, Epoch(1))[0].loss(batch, memories, {}) == warm_up.optimizer_steps(
        blind, Epoch(1)
    )[0].loss(batch, memories, {})


def test_a_batch_holds_both_modalities(warm_up, context, features):
    (optimizer_step,) = warm_up.optimizer_steps(refreshed(warm_up, context, features, 0), Epoch(0))
    rows = optimizer_step.sampler(5, np.random.default_rng(0))
    assert (context.tracklets.modality[rows].mean(axis=1) == 0.5).all()


@pytest.mark.parametrize("switches", [{}, {"motion": False, "modality": False}])
def test_the_engine_trains_with_it(smoke, smoke_inputs, switches):
    config = smoke(
        "train.iterations=2", "train.batch_identities=3", "train.batch_instances=2", "evaluation.every=0"
    )
    state = build_state(config, smoke_inputs)
    state.plan = Plan(
        [InterventionWarmUp(state.method.context, InterventionParams(ignore_from=1, **switches))], [3]
    )
    before = [p.detach().clone() for p in state.encoder.parameters()]
    filled = []
    state.after_step = lambda step, number: filled.append(state.memories.slots["tracklets"].table.clone())
    reports = [run_epoch(state) for _ in range(2)]
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert reports[0].losses.keys() == (
        {"tracklet"} if switches else {"tracklet", "invariance", "time", "modality"}
    )
    assert any(not torch.equal(a, b) for a, b in zip(before, state.encoder.parameters(), strict=True))
    moved = (filled[-1] != filled[-2]).any(dim=1)
    assert 0 < moved.sum() < len(moved)
