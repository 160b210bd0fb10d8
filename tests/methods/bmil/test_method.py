"""BMIL on the smallest drawn data set, in one process."""

import numpy as np
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
from raydist.methods.bmil.stages import HybridContrastStage, JointArrays, JointContrastStage
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.method import Targets
from raydist.methods.registry import method_class
from raydist.methods.schedule import Epoch
from raydist.types import NOISE, Modality

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
    assert all(0 < rounds[-1][name] < 0.75 * value for name, value in rounds[0].items())


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


PUBLISHED = {
    "bmil-sysu_mm01": {
        "steps": (200, 200), "visible": 8, "jitter": (True, False), "subset": 0.5, "eps": 0.6,
    },
    "bmil-regdb": {
        "steps": (100, 100), "visible": 4, "jitter": (False, False), "subset": 1, "eps": 0.3,
    },
}  # fmt: skip
"""The published settings: by stage steps of an epoch and infrared jitter; visible clusters of a batch."""


def some_targets():
    """Targets of 40 clusters of 20 in each modality, all of them joint clusters too."""
    cluster, nothing = np.repeat(np.arange(40), 20), np.full(800, NOISE)
    arrays = JointArrays(
        visible=np.append(cluster, nothing),
        infrared=np.append(nothing, cluster),
        proxies=np.append(2 * cluster, 2 * cluster + 1),
        cluster=np.repeat(np.arange(40), 2),
    )
    return Targets(np.append(cluster, cluster), arrays.pack())


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_every_epoch_of_a_recipe_is_as_published(recipe_epochs, recipe):
    published, epochs = PUBLISHED[recipe], recipe_epochs(recipe)
    assert [e.stage.name for e in epochs] == ["hybrid-contrast"] * 50 + ["joint-contrast"] * 50
    fallen = [0] * 20 + [1] * 20 + [2] * 10  # every 20 epochs, each stage anew
    assert [e.lr for e in epochs] == pytest.approx([3.5e-4 * 0.1**times for times in fallen * 2])
    targets, rng = some_targets(), np.random.default_rng(0)
    for number, e in enumerate(epochs):
        second = number >= 50
        assert e.iterations == published["steps"][second]
        optimizer_steps = e.stage.optimizer_steps(targets, e.epoch)
        assert len(optimizer_steps) == 1 + second
        for step in optimizer_steps:
            first, coloured = step.clip_views
            assert [view.shows for view in step.clip_views] == [None, Modality.VISIBLE]
            assert [view.augment[Modality.VISIBLE].jitter for view in (first, coloured)] == [0, 0.5]
            assert [view.augment[Modality.VISIBLE].exchange for view in (first, coloured)] == [0, 1]
            jitter = 0.5 if published["jitter"][second] else 0
            assert first.augment[Modality.INFRARED].jitter == jitter
            (rows,) = step.sampler(1, rng)
            sizes = {m: np.unique(rows[(rows >= 800) == m] // 20, return_counts=True)[1] for m in Modality}
            assert sizes[Modality.VISIBLE].tolist() == [16] * published["visible"]
            assert sizes[Modality.INFRARED].tolist() == [16] * 8


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_the_numbers_of_a_recipe_are_the_published_ones(recipe_epochs, recipe):
    epochs, published = recipe_epochs(recipe), PUBLISHED[recipe]
    config = epochs[0].config
    assert (config.train.optimizer, config.train.weight_decay) == ("adam", 5e-4)
    assert (config.encoder.name, config.encoder.non_local) == ("agw_resnet50", "one")
    assert (config.data.height, config.data.width, config.data.flip_average) == (288, 144, True)
    joint = epochs[-1].stage
    assert (joint.subset, epochs[0].stage.subset) == (published["subset"],) * 2
    for spec in (*joint.context.clustering.values(), joint.spec):
        assert (spec.eps, spec.k1, spec.k2, spec.min_samples) == (published["eps"], 30, 6, 4)
    assert joint.spec.distance == "modality-aware"
    for stage in (epochs[0].stage, joint):
        assert (stage.params.temperature, stage.params.momentum, stage.params.margin) == (0.05, 0.1, 0.2)
    assert (joint.params.contrast, joint.params.candidates) == ("split", 50)
