from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.engine.local_features import LocalFeatures
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.schedule import Epoch
from raydist.methods.slots import Slots
from raydist.methods.steps import Batch, Memories
from raydist.types import NOISE


@pytest.fixture
def stage(context):
    return WarmUp(context, WarmUpParams(ignore_from=1))


def slots_of(targets):
    return torch.tensor(targets.slots["tracklets"].part(0, 12)[1])


def loss_of(stage, targets, slots, features):
    (optimizer_step,) = stage.optimizer_steps(targets, Epoch(0))
    batch = Batch(torch.stack([features, features]), torch.arange(12))
    return float(optimizer_step.loss(batch, Memories(slots={"tracklets": Slots(slots)}), {})["tracklet"])


def test_only_tracklets_of_the_same_modality_and_camera_are_negatives(stage, context, features):
    targets = stage.refresh(
        LocalFeatures(features, context.tracklets), None, Epoch(0), np.random.default_rng(0)
    )
    slots, x = slots_of(targets), torch.from_numpy(features[:, 0])
    alone = []
    for view in range(4):
        inside = torch.from_numpy(context.tracklets.view == view)
        logits = (x[inside] @ slots[inside].T) / stage.params.temperature
        alone.append(torch.nn.functional.cross_entropy(logits, torch.arange(3)))
    assert loss_of(stage, targets, slots, x) == pytest.approx(float(torch.stack(alone).mean()), rel=1e-5)


def test_likely_pieces_of_one_pass_are_no_negatives(stage, context, features):
    targets = stage.refresh(
        LocalFeatures(np.repeat(features, 2, axis=1), context.tracklets),
        None,
        Epoch(1),
        np.random.default_rng(0),
    )
    assert targets.arrays["ignored"].nnz > 0
    slots, x = slots_of(targets), torch.from_numpy(features[:, 0])
    before = stage.refresh(
        LocalFeatures(features, context.tracklets), None, Epoch(0), np.random.default_rng(0)
    )
    assert loss_of(stage, targets, slots, x) < loss_of(stage, before, slots, x)


def test_the_two_versions_never_share_frames(stage, context, features):
    targets = stage.refresh(
        LocalFeatures(features, context.tracklets), None, Epoch(0), np.random.default_rng(0)
    )
    (optimizer_step,) = stage.optimizer_steps(targets, Epoch(0))
    assert [clip_view.sub_tracklet for clip_view in optimizer_step.clip_views] == [0, 1]


def test_a_slot_moves_towards_its_tracklet(stage, context, features):
    targets = stage.refresh(
        LocalFeatures(features, context.tracklets), None, Epoch(0), np.random.default_rng(0)
    )
    slots = slots_of(targets)
    goal = torch.eye(4)[3]
    (optimizer_step,) = stage.optimizer_steps(targets, Epoch(0))
    optimizer_step.update(
        Batch(goal.expand(2, 1, 4), torch.tensor([5])), Memories(slots={"tracklets": Slots(slots)})
    )
    expected = torch.nn.functional.normalize(0.8 * torch.from_numpy(features[5, 0]) + 0.2 * goal, dim=0)
    assert torch.allclose(slots[5], expected, atol=1e-5)
    assert torch.equal(slots[:5], slots_of(targets)[:5])


def test_clusters_and_the_ignore_graph_can_be_left_out(context, features):
    bare = WarmUp(context, WarmUpParams(ignore_from=0), clusters=False, ignore=False)
    targets = bare.refresh(
        LocalFeatures(np.repeat(features, 2, axis=1), context.tracklets),
        None,
        Epoch(0),
        np.random.default_rng(0),
    )
    assert (targets.labels == NOISE).all()
    assert targets.arrays["ignored"].nnz == 0


def test_a_warm_up_takes_features_of_any_length_as_unit_ones(stage, context, features):
    raw = {m: spec.with_values(renormalise=False) for m, spec in context.clustering.items()}
    of_any_length = WarmUp(replace(context, clustering=raw), stage.params)
    pieces = np.repeat(features, 2, axis=1)
    unit, short = (
        one.refresh(LocalFeatures(x, context.tracklets), None, Epoch(1), np.random.default_rng(0))
        for one, x in ((stage, pieces), (of_any_length, pieces * np.float32(0.7)))
    )
    assert (unit.arrays["ignored"] != short.arrays["ignored"]).nnz == 0
    np.testing.assert_allclose(slots_of(unit), slots_of(short), atol=1e-6)
    assert (unit.labels == short.labels).all()
