import numpy as np
import pytest
import torch

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.loop import run_epoch
from raydist.engine.schema import method_params
from raydist.engine.state import build_state
from raydist.errors import ConfigError
from raydist.methods.dmdl.method import DualLevelDebiasing, DualLevelDebiasingParams
from raydist.methods.dmdl.views import Parts

QUICK = (
    "method.name=dmdl", "encoder.two_stream=false", "evaluation.every=0", "train.batch_identities=3",
    "train.batch_instances=2", "train.iterations=2", "train.epochs=8", "method.warm_up.share=0.5",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(smoke, smoke_inputs):
    """A whole run in one process: its state, its reports, and its checkpoint before the last epoch."""
    state = build_state(smoke(*QUICK), smoke_inputs)
    reports = [run_epoch(state) for _ in range(state.plan.num_epochs - 1)]
    packed = pack(state, reports[-1])
    return state, [*reports, run_epoch(state)], packed


def test_it_goes_through_all_stages_and_phases(trained):
    _, reports, _ = trained
    stages = [report.stage for report in reports]
    assert sorted(set(stages), key=stages.index) == ["warm-up", "intra", "cross"]
    losses = {stage: [set(r.losses) for r in reports if r.stage == stage] for stage in set(stages)}
    assert losses["intra"][0] == {"visible", "infrared", "discrepancy"}
    assert losses["intra"][-1] == {"visible", "infrared", "discrepancy", "triplet"}
    assert losses["cross"][0] == {"intra", "across", "discrepancy"}
    assert losses["cross"][-1] == {"intra", "across", "discrepancy", "triplet", "joint"}
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert reports[-1].metrics["confidence"] <= 1


def test_a_resumed_run_ends_the_same(trained, smoke, smoke_inputs):
    state, _, packed = trained
    resumed = build_state(smoke(*QUICK), smoke_inputs)
    unpack(resumed, packed)
    run_epoch(resumed)
    assert np.array_equal(resumed.targets.arrays["confidence"], state.targets.arrays["confidence"])
    assert all(
        torch.equal(a, b)
        for a, b in zip(resumed.encoder.parameters(), state.encoder.parameters(), strict=True)
    )
    assert all(torch.equal(resumed.memories[name], state.memories[name]) for name in state.memories)


@pytest.mark.parametrize("part", Parts.model_fields)
def test_a_part_can_be_left_out(part, context):
    params = method_params({"name": "dmdl", part: False})
    _, intra, cross = DualLevelDebiasing(params, context).stages()
    for stage in (intra, cross):
        assert {name: getattr(stage.parts, name) for name in Parts.model_fields} == {
            name: name != part for name in Parts.model_fields
        }


def test_every_part_is_there_unless_left_out():
    assert all(getattr(DualLevelDebiasingParams(), name) for name in Parts.model_fields)


def test_a_memory_that_keeps_nothing_is_refused():
    with pytest.raises(ConfigError, match=r"method\.cross\.momentum = 0"):
        method_params({"name": "dmdl", "cross": {"momentum": 0}})
