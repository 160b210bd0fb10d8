"""Training in half precision: steps that are left out, resumption, refusals."""

import numpy as np
import pytest
import torch

from raydist.engine import precision
from raydist.engine.checkpoint import pack, unpack
from raydist.engine.loop import features_of, run_epoch
from raydist.engine.precision import (
    SMALLEST_SCALE,
    LossScaler,
    autocast,
    check_precision,
    extraction_precision,
    loss_scaler,
)
from raydist.engine.state import build_state
from raydist.errors import ConfigError, TrainingError

CPU = torch.device("cpu")
QUICK = (
    "method.name=dcl", "evaluation.every=0", "train.batch_identities=2", "train.batch_instances=2",
    "train.iterations=2", "train.epochs=3", "method.warm_up.share=0", "data.frames=1",
)  # fmt: skip
HALF = (*QUICK, "train.precision=fp16")


@pytest.mark.parametrize(
    ("name", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_the_format_of_a_product(name, dtype):
    x = torch.ones(2, 2)
    with autocast(name, CPU):
        assert (x @ x).dtype == dtype
    assert extraction_precision(name) == ("fp16" if name == "fp16" else "fp32")
    assert (loss_scaler(name, CPU) is not None) == (name == "fp16")


def stepped(gradients):
    """One parameter of one, a plain gradient descent, and losses with these gradients."""
    weight, scaler, taken = torch.ones(1, requires_grad=True), LossScaler(CPU), []
    optimizer = torch.optim.SGD([weight], lr=1.0)
    for gradient in gradients:
        optimizer.zero_grad()
        scaler.scale((weight * gradient).sum()).backward()
        taken.append(scaler.step(optimizer))
    return weight, scaler, taken


def test_the_scale_changes_nothing_but_what_is_not_finite():
    weight, scaler, taken = stepped([0.25, float("inf"), 0.125, float("nan")])
    assert taken == [True, False, True, False]
    assert weight.item() == 1 - 0.25 - 0.125
    assert scaler.num_skipped == 2
    assert scaler.state_dict() == {"scale": 65536 / 4, "lasted": 0}


def test_a_scaler_goes_on_where_it_was():
    _, scaler, _ = stepped([float("inf"), 0.5, 0.5])
    again = LossScaler(CPU)
    again.load_state_dict(scaler.state_dict())
    assert again.state_dict() == scaler.state_dict() == {"scale": 32768, "lasted": 2}
    assert again.scale(torch.ones(1)).item() == 32768


def test_gradients_that_are_never_finite_end_the_run():
    with pytest.raises(TrainingError, match=r"not finite though the loss is scaled by .*: lower train\.lr"):
        stepped([float("nan")] * 40)
    assert SMALLEST_SCALE > 0


@pytest.fixture(scope="module")
def trained(smoke, smoke_inputs):
    """A run in half precision: its state, its reports, and its checkpoint before the last two epochs."""
    state = build_state(smoke(*HALF), smoke_inputs)
    reports = [run_epoch(state)]
    packed = pack(state, reports[-1])
    return state, [*reports, run_epoch(state), run_epoch(state)], packed


def test_a_run_in_half_precision_is_near_that_in_single(trained, smoke, smoke_inputs):
    state, reports, _ = trained
    single = build_state(smoke(*QUICK), smoke_inputs)
    first = run_epoch(single)
    assert reports[0].losses["visible"] == pytest.approx(first.losses["visible"], rel=0.05)
    assert reports[0].losses != first.losses
    assert (first.skipped_steps, single.scaler) == (None, None)
    skipped = sum(report.skipped_steps for report in reports)
    assert state.steps == 2 * len(reports) - skipped
    assert all(p.dtype == torch.float32 for p in state.encoder.parameters())
    assert all(memory.dtype == torch.float32 for memory in state.memories.values())


def test_a_resumed_run_has_the_same_bits(trained, smoke, smoke_inputs):
    state, reports, packed = trained
    resumed = build_state(smoke(*HALF), smoke_inputs)
    unpack(resumed, packed)
    again = [run_epoch(resumed), run_epoch(resumed)]
    assert [report.losses for report in again] == [report.losses for report in reports[1:]]
    assert resumed.scaler.state_dict() == state.scaler.state_dict()
    ours, theirs = resumed.encoder.state_dict(), state.encoder.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_features_are_extracted_in_it_too(smoke, smoke_inputs):
    half, single = (build_state(smoke(*words), smoke_inputs) for words in (HALF, QUICK))
    rows = np.arange(len(half.tracklets))
    ours, theirs = (np.concatenate(list(features_of(state, rows))) for state in (half, single))
    assert ours.dtype == np.float32
    assert not np.array_equal(ours, theirs)
    assert np.allclose(ours, theirs, atol=0.02)


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_step_that_is_left_out_leaves_the_weights_and_moves_the_memories(
    smoke, smoke_inputs, monkeypatch, epoch
):
    state = build_state(smoke(*HALF, "train.iterations=1"), smoke_inputs)
    for _ in range(epoch):
        run_epoch(state)
    before, steps = [p.clone() for p in state.encoder.parameters()], state.steps
    monkeypatch.setattr(LossScaler, "scale", lambda self, loss: self._scaler.scale(loss) * float("inf"))
    report = run_epoch(state)
    assert report.skipped_steps == 1
    assert state.steps == steps
    assert all(torch.equal(a, b) for a, b in zip(before, state.encoder.parameters(), strict=True))
    assert any(
        not np.array_equal(state.memories[name].numpy(), made)
        for name, made in state.targets.memories.items()
    )


def test_a_device_that_cannot_is_refused(smoke, smoke_inputs, monkeypatch):
    check_precision("fp16", CPU)

    def fails(*args):
        raise RuntimeError("\"conv\" not implemented for 'Half'\nmore")

    monkeypatch.setattr(precision.F, "conv2d", fails)
    check_precision("bf16", CPU)
    with pytest.raises(
        ConfigError, match=r"^train\.precision = fp16: cpu cannot train in it \(\"conv\" not .*'\): take"
    ):
        build_state(smoke(*HALF), smoke_inputs)
    monkeypatch.setattr(precision.F, "conv2d", lambda pixels, weight: weight.sum())
    with pytest.raises(ConfigError, match=r"fp16: cpu computes in torch\.float32: take fp32 or bf16"):
        check_precision("fp16", CPU)
