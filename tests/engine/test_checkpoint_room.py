import pytest

from raydist.engine.checkpoint import pack
from raydist.engine.checkpoint_room import FILES, MEGABYTE, checkpoint_room, encoder_bytes
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_forecast_is_what_a_checkpoint_takes(smoke, smoke_inputs, optimizer):
    config = smoke(
        "method.name=dcl",
        "train.limit_epochs=1",
        "train.iterations=1",
        "train.batch_identities=3",
        f"train.optimizer={optimizer}",
    )
    state = build_state(config, smoke_inputs)
    files = pack(state, run_epoch(state))
    written = sum(len(files[f"{name}.safetensors"]) for name in ("encoder", "optimizer"))
    assert encoder_bytes(config) == pytest.approx(written, rel=0.02)


def test_two_are_kept_while_the_next_is_written(smoke):
    config = smoke("train.epochs=10")
    room = checkpoint_room(config, memory_mb=5)
    assert room.one == encoder_bytes(config)
    assert room.least == 3 * room.one
    assert room.most == 4 * (room.one + 5 * MEGABYTE) + FILES


@pytest.mark.parametrize(("written", "epochs", "checkpoints"), [(0, 1, 1), (0, 2, 2), (2, 10, 1), (3, 10, 1)])
def test_what_is_there_needs_no_more_room(smoke, written, epochs, checkpoints):
    room = checkpoint_room(
        smoke("train.epochs=20", f"train.limit_epochs={epochs}"), memory_mb=0, written=written
    )
    assert room.least == checkpoints * room.one
