import numpy as np
import pytest
import torch

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.hil.method import HierarchicalIdentityLearning, HierarchicalIdentityParams
from raydist.methods.hil.stages import BaselineStage, HierarchyStage
from raydist.types import Modality

QUICK = (
    "method.name=hil", "method.warm_up.share=1", "method.hierarchy.share=2", "method.hierarchy.sub_centres=2",
    "train.batch_identities=3", "train.batch_instances=2", "train.iterations=2", "train.epochs=4",
    "evaluation.every=0",
)  # fmt: skip
TWO_BRANCHES = (
    *QUICK, "encoder.name=vit_b16", "encoder.branches=2", "data.frames=1", "data.sub_tracklets=1",
    "method.warm_up.share=0", "method.baseline.share=0", "train.iterations=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(smoke, smoke_inputs):
    """A run: its state, its reports, and its checkpoint before the last epoch."""
    state = build_state(smoke(*QUICK), smoke_inputs)
    reports = [run_epoch(state) for _ in range(3)]
    packed = pack(state, reports[-1])
    return state, [*reports, run_epoch(state)], packed


def test_its_stages(context):
    stages = HierarchicalIdentityLearning(HierarchicalIdentityParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, BaselineStage, HierarchyStage]


def test_it_trains_through_all_stages(trained):
    state, reports, _ = trained
    assert [report.stage for report in reports] == ["warm-up", "baseline", "hierarchy", "hierarchy"]
    assert set(reports[1].losses) == {"cluster", "near_within", "near_across"}
    assert set(reports[3].losses) == {
        "cluster",
        "near_within",
        "near_across",
        "centre_within",
        "centre_across",
    }
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert reports[2].association["assignment_accuracy"] >= 0
    assert 0 < reports[2].metrics["selected"] <= 1
    assert all(report.clusters[m.label]["count"] > 0 for report in reports for m in Modality)
    assert all(torch.isfinite(memory).all() for memory in state.memories.values())


def test_a_resumed_run_ends_the_same(trained, smoke, smoke_inputs):
    state, reports, packed = trained
    resumed = build_state(smoke(*QUICK), smoke_inputs)
    unpack(resumed, packed)
    assert run_epoch(resumed).losses == reports[-1].losses
    assert sorted(resumed.memories) == sorted(state.memories)
    assert all(torch.equal(resumed.memories[name], state.memories[name]) for name in state.memories)


def test_an_encoder_of_two_branches_learns_in_both(smoke, smoke_inputs):
    state = build_state(smoke(*TWO_BRANCHES), smoke_inputs)
    before = {name: p.clone() for name, p in state.encoder.named_parameters()}
    report = run_epoch(state)
    assert report.stage == "hierarchy"
    assert all(np.isfinite(value) for value in report.losses.values())
    assert state.memories["centres-shared-1"].shape[1:] == (3, 768)
    moved = {name for name, p in state.encoder.named_parameters() if not torch.equal(p, before[name])}
    for branch in ("deep", "shallow"):
        assert any(f".{branch}." in name for name in moved)
