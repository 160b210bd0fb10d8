from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from raydist.engine.clip_batches import StepKey
from raydist.engine.epoch_steps import StepTask, encode, num_clips, render_share, train_step
from raydist.engine.loop import compute_targets, hand_over_features, run_epoch
from raydist.engine.state import build_state
from raydist.errors import TrainingError
from raydist.types import Modality


def new_targets(state, current):
    """The targets of an epoch, from the features of today."""
    hand_over_features(state, current)
    return state.refresh.targets(state.epoch, partial(compute_targets, state, current))


def encoded(state, optimizer_step, rows):
    task = StepTask(optimizer_step, rows, StepKey(0, 0, 0, 0))
    return encode(state, task, render_share(state, task))


def train_on(state, optimizer_step, rows):
    task = StepTask(optimizer_step, rows, StepKey(0, 0, 2, 0))
    return train_step(state, task, render_share(state, task))


@pytest.mark.parametrize(("method", "clip_views"), [("dcl", 2), ("supervised", 1)])
def test_frames_can_be_counted_in_place_of_steps(smoke, smoke_inputs, method, clip_views):
    words = [
        "train.batch_identities=3",
        "train.batch_instances=2",
        "train.epoch_frames=200",
        "evaluation.every=0",
    ]
    state = build_state(smoke(f"method.name={method}", *words), smoke_inputs)
    run_epoch(state)
    a_step = 2 * 3 * 2 * clip_views * state.config.data.frames
    assert state.frames_seen == a_step * round(200 / a_step)
    assert state.steps == round(200 / a_step)


def test_features_come_without_unit_length_where_they_are_asked_for(smoke, smoke_inputs):
    state = build_state(smoke("method.name=dcl"), smoke_inputs)
    current = state.plan.at(0)
    (optimizer_step,) = current.stage.optimizer_steps(new_targets(state, current), current.epoch)
    rows = np.arange(4)
    batch, plain = (
        encoded(state, replace(optimizer_step, wants_raw=wanted), rows) for wanted in (True, False)
    )
    assert batch.raw.shape == batch.features.shape
    assert not torch.allclose(batch.raw.norm(dim=-1), torch.ones(2, 4), atol=0.1)
    torch.testing.assert_close(torch.nn.functional.normalize(batch.raw, dim=-1), batch.features)
    assert plain.raw is None


@pytest.mark.parametrize("wants_raw", [False, True])
def test_a_view_of_one_modality_is_rendered_for_its_clips_only(smoke, smoke_inputs, wants_raw):
    state = build_state(smoke("method.name=dcl"), smoke_inputs)
    state.encoder.eval()
    current = state.plan.at(0)
    (step,) = current.stage.optimizer_steps(new_targets(state, current), current.epoch)
    both = replace(step, wants_raw=wants_raw)
    once = replace(both, clip_views=[both.clip_views[0], replace(both.clip_views[1], shows=Modality.VISIBLE)])
    visible, infrared = (np.flatnonzero(state.tracklets.modality == m)[:3] for m in Modality)
    rows = np.concatenate([infrared, visible])
    all_views, batch = (encoded(state, each, rows) for each in (both, once))
    torch.testing.assert_close(batch.features[0], all_views.features[0])
    torch.testing.assert_close(batch.features[1, 3:], all_views.features[1, 3:])
    assert not batch.features[1, :3].any()
    assert (batch.raw is not None) == wants_raw
    assert batch.views_of(Modality.VISIBLE).shape[0] == 2
    assert torch.equal(batch.views_of(Modality.INFRARED), batch.features[:1])
    assert num_clips(state, once, rows) == 9
    batch.features.sum().backward()


def test_each_modality_has_its_number_of_clusters_in_a_batch(smoke, smoke_inputs):
    words = ["train.batch_identities={visible: 2, infrared: 4}", "train.batch_instances=2"]
    state = build_state(smoke("method.name=dcl", *words, "evaluation.every=0"), smoke_inputs)
    run_epoch(state)
    assert state.frames_seen == state.steps * 2 * (2 + 4) * 2 * state.config.data.frames


@pytest.mark.parametrize(("factor", "steps"), [(1, 3), (2, 6), (0.1, 1)])
def test_a_stage_may_take_more_or_fewer_steps_an_epoch(smoke, smoke_inputs, factor, steps):
    words = ["train.iterations=3", f"method.dual.iterations_factor={factor}", "method.warm_up.share=0"]
    state = build_state(smoke("method.name=dcl", *words, "evaluation.every=0"), smoke_inputs)
    run_epoch(state)
    assert state.steps == steps


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            lambda x: x.sum() * np.nan,
            r"^the loss is broken nan in epoch 0, iteration 2, .* rows \[0, 1, 2, 3\]",
        ),
        (lambda x: x.sum().exp() / 0, "^the loss is broken inf in epoch 0"),
        (
            lambda x: (x - x).sum().sqrt(),
            r"^a gradient is not finite, though the loss is broken 0, in epoch 0",
        ),
        (lambda x: (x[0, 0, 0] - x[0, 0, 0].detach()).abs().sqrt(), "^a gradient is not finite"),
    ],
    ids=["a loss of NaN", "an infinite loss", "gradients of NaN", "gradients of NaN from one number"],
)
def test_a_loss_or_a_gradient_that_is_no_number_changes_nothing(smoke, smoke_inputs, broken, message):
    state = build_state(smoke("method.name=dcl"), smoke_inputs)
    current = state.plan.at(0)
    state.start_stage(current.stage)
    state.set_targets(new_targets(state, current))
    (step,) = current.stage.optimizer_steps(state.targets, current.epoch)
    once = replace(step, loss=lambda batch, memories, modules: {"broken": broken(batch.features)})
    weights = [p.detach().clone() for p in state.encoder.parameters()]
    tables = {name: slots.table for name, slots in state.memories.slots.items()} | state.memories
    before = {name: table.clone() for name, table in tables.items()}
    assert before
    with pytest.raises(TrainingError, match=message + r".*lower train\.lr"):
        train_on(state, once, np.arange(4))
    assert all(torch.equal(a, b) for a, b in zip(weights, state.encoder.parameters(), strict=True))
    assert all(torch.equal(table, before[name]) for name, table in tables.items())
    assert state.steps == 0
    train_on(state, step, np.arange(4))
    assert state.steps == 1


@pytest.mark.parametrize("method", ["dcl", "pgm"])
def test_batches_that_are_rendered_ahead_are_the_same(smoke, smoke_inputs, method):
    words = [f"method.name={method}", "method.warm_up.share=0", "train.iterations=3", "evaluation.every=0"]
    states = [build_state(smoke(*words, f"data.prefetch={number}"), smoke_inputs) for number in (0, 1, 5)]
    reports = [run_epoch(state) for state in states]
    assert reports[0].losses == reports[1].losses == reports[2].losses
    for others in zip(*(state.encoder.parameters() for state in states), strict=True):
        assert torch.equal(others[0], others[1])
        assert torch.equal(others[0], others[2])
