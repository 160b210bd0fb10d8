import pytest

from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state


@pytest.mark.parametrize(("method", "versions"), [("dcl", 2), ("supervised", 1)])
def test_frames_can_be_counted_in_place_of_steps(smoke, smoke_inputs, method, versions):
    words = ["train.batch_identities=3", "train.batch_instances=2", "train.epoch_frames=200", "evaluation.every=0"]
    state = build_state(smoke(f"method.name={method}", *words), smoke_inputs)
    run_epoch(state)
    a_step = 2 * 3 * 2 * versions * state.config.data.frames
    assert state.frames_seen == a_step * round(200 / a_step)
