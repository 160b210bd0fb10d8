from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.engine.clip_batches import StepKey
from raydist.engine.epoch_steps import encode
from raydist.engine.loop import new_targets, run_epoch
from raydist.engine.state import build_state


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
        encode(state, replace(optimizer_step, wants_raw=wanted), rows, StepKey(0, 0, 0))
        for wanted in (True, False)
    )
    assert batch.raw.shape == batch.features.shape
    assert not torch.allclose(batch.raw.norm(dim=-1), torch.ones(2, 4), atol=0.1)
    torch.testing.assert_close(torch.nn.functional.normalize(batch.raw, dim=-1), batch.features)
    assert plain.raw is None
