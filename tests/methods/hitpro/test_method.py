import numpy as np
import pytest
import torch

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.hitpro.method import HiTPro, HiTProParams
from raydist.methods.hitpro.stages import HierarchicalStage
from raydist.types import NOISE

QUICK = (
    "method.name=hitpro", "encoder.temporal=attention", "evaluation.every=0",
    "train.batch_identities=3", "train.batch_instances=2", "train.iterations=2", "train.epochs=4",
)  # fmt: skip


def test_the_warm_up_can_be_left_out(context):
    stages = HiTPro(HiTProParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, HierarchicalStage]
    assert stages[0].share < stages[1].share
    (alone,) = HiTPro(HiTProParams(warm_up=None, ignore=False), context).stages()
    assert isinstance(alone, HierarchicalStage)
    assert not alone.ignore


BEGIN = tuple(f"method.hierarchical.{word}" for word in ("within_from=0", "across_from=1", "ignore_from=0"))


@pytest.fixture(scope="module")
def trained(smoke, smoke_inputs):
    """A run whose every way to cluster is barred: its state, its reports, and its checkpoint before the last
    epoch."""

    def refuse(*args, **kwargs):
        raise AssertionError("HiTPro clusters nothing")

    state = build_state(smoke(*QUICK, *BEGIN), smoke_inputs)
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "clustering.dbscan.dbscan",
            "clustering.hdbscan.hdbscan",
            "engine.local_features.LocalFeatures.cluster",
        ):
            patch.setattr(f"raydist.{name}", refuse)
        reports = [run_epoch(state) for _ in range(3)]
        packed = pack(state, reports[-1])
        reports.append(run_epoch(state))
    return state, reports, packed


def test_it_trains_without_ever_clustering(trained, smoke, smoke_inputs):
    state, reports, _ = trained
    assert [report.stage for report in reports] == ["warm-up"] + 3 * ["hierarchical"]
    assert (state.targets.labels == NOISE).all()
    assert set(reports[-1].losses) == {"camera", "within", "across", "frame"}
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    before = dict(build_state(smoke(*QUICK, *BEGIN), smoke_inputs).encoder.named_parameters())
    moved = {name for name, p in state.encoder.named_parameters() if not torch.equal(p, before[name])}
    assert {"temporal.score.weight", "neck.norm.weight"} < moved


def test_a_resumed_run_goes_on_with_the_same_thresholds(trained, smoke, smoke_inputs):
    state, _, packed = trained
    resumed = build_state(smoke(*QUICK, *BEGIN), smoke_inputs)
    unpack(resumed, packed)
    run_epoch(resumed)
    assert np.isfinite(state.targets.arrays["thresholds"]).any()
    assert np.array_equal(
        resumed.targets.arrays["thresholds"], state.targets.arrays["thresholds"], equal_nan=True
    )
    assert all(
        torch.equal(a, b)
        for a, b in zip(resumed.encoder.parameters(), state.encoder.parameters(), strict=True)
    )
