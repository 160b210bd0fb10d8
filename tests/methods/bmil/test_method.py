"""BMIL on the smallest drawn data set, in one process."""

import pytest
import torch

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.epoch_steps import train_epoch
from raydist.engine.loop import run_epoch
from raydist.engine.plan import StageEpoch
from raydist.engine.schema import load_config
from raydist.engine.state import build_state
from raydist.errors import ConfigError
from raydist.methods.bmil import method
from raydist.methods.bmil.stages import HybridContrastStage, JointContrastStage
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.registry import method_class
from raydist.methods.schedule import Epoch

QUICK = (
    "method.name=bmil",
    "data.frames=1",
    "data.sub_tracklets=1",
    "train.schedule=constant",
    "evaluation.every=0",
)


@pytest.fixture(scope="module")
def start(smoke, smoke_inputs):
    return lambda *words: build_state(smoke(*QUICK, *words), smoke_inputs)


def test_the_whole_method_runs_and_the_loss_falls_on_the_targets_of_an_epoch(start):
    state = start(
        "train.epochs=3",
        "train.iterations=5",
        "method.subset=1",
        "method.dual.lr_factor=1",
        "method.joint.lr_factor=1",
    )
    reports = [run_epoch(state) for _ in range(3)]
    assert [report.stage for report in reports] == ["warm-up", "hybrid-contrast", "joint-contrast"]
    last = reports[-1]
    assert last.losses.keys() == {"visible", "infrared", "joint"}
    assert last.metrics["joint_clusters"] >= 2
    assert last.metrics["joint_mixed"] > 0
    assert -1 <= last.association["joint_ari"] <= 1
    rounds = [train_epoch(state, StageEpoch(state.plan.stages[-1], Epoch(0))) for _ in range(7)]
    assert all(0 < rounds[-1][name] < 0.6 * value for name, value in rounds[0].items())


def test_a_run_taken_up_in_the_joint_stage_goes_on_as_the_one_that_was_not_stopped(start):
    words = (
        "train.epochs=4",
        "train.iterations=1",
        "method.joint.share=100",
        "method.subset=1",
        "train.batch_identities=2",
    )
    whole, again = start(*words), start(*words)
    reports = [run_epoch(whole) for _ in range(3)]
    unpack(again, pack(whole, reports[-1]))
    assert again.targets.clustered.dtype == bool
    run_epoch(whole), run_epoch(again)
    mine, theirs = whole.encoder.state_dict(), again.encoder.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert all(
        torch.equal(whole.memories[name], again.memories[name]) for name in ("visible", "infrared", "joint")
    )


def test_stages_are_the_warm_up_of_every_method_and_two_of_its_own(context):
    cls = method_class("bmil")
    stages = cls(cls.Params(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, HybridContrastStage, JointContrastStage]
    assert [stage.share for stage in stages] == [3, 1, 2]
    assert stages[1].subset == stages[2].subset == 0.5


ABLATION = {
    "within the modalities only": ("none", "modality-aware", 1),
    "plain joint Jaccard": ("whole", "jaccard", 1),
    "MAJ": ("whole", "modality-aware", 1),
    "MAJ, subset clustering": ("whole", "modality-aware", 0.5),
    "subset, split, without MAJ": ("split", "jaccard", 0.5),
    "all": ("split", "modality-aware", 0.5),
}


@pytest.mark.parametrize("row", ABLATION)
def test_the_documented_settings_of_the_ablation_are_what_they_are_called(row):
    line = next(line for line in method.__doc__.splitlines() if line.startswith(f"{row}  "))
    words = line.removeprefix(row).strip().strip("`").replace("the defaults", "").split()
    params = load_config("smoke", ["method.name=bmil", *(f"method.{word}" for word in words)]).method
    assert (params.joint.contrast, params.joint.distance, params.subset) == ABLATION[row]


def test_bounds_are_checked():
    for word in ("subset=0", "joint.candidates=1", "joint.contrast=half", "joint.eps=1.5"):
        with pytest.raises(ConfigError, match=word.split("=")[0]):
            load_config("smoke", ["method.name=bmil", f"method.{word}"])


def test_a_gate_needs_the_distance_it_belongs_to():
    words = ["method.name=bmil", "method.joint.gate=0.3"]
    assert load_config("smoke", words).method.joint.gate == 0.3
    with pytest.raises(ConfigError, match=r"gate = 0\.3 with jaccard"):
        load_config("smoke", [*words, "method.joint.distance=jaccard"])
