import numpy as np
import pytest
import torch

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.sdcl.method import ShallowDeepCollaboration, ShallowDeepCollaborationParams
from raydist.methods.sdcl.stages import OwnContrastStage, SharedContrastStage
from raydist.types import Modality
from tests.methods.hil.test_method import SHARED_SIZE, one_batch, some_targets

QUICK = (
    "method.name=sdcl", "method.warm_up.share=1", "method.own.share=2", "method.shared.share=2",
    "method.shared.ranking=5", "method.shared.lr_factor=1", "train.batch_identities=3",
    "train.batch_instances=2", "train.iterations=2", "train.epochs=5", "evaluation.every=0",
)  # fmt: skip
TWO_BRANCHES = (
    *QUICK, "encoder.name=vit_b16", "encoder.branches=2", "data.frames=1", "data.sub_tracklets=1",
    "method.warm_up.share=0", "method.own.share=0", "train.iterations=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(smoke, smoke_inputs):
    """A run: its state, its reports, and its checkpoint before the last epoch."""
    state = build_state(smoke(*QUICK), smoke_inputs)
    reports = [run_epoch(state) for _ in range(4)]
    packed = pack(state, reports[-1])
    return state, [*reports, run_epoch(state)], packed


def test_its_stages(context):
    stages = ShallowDeepCollaboration(ShallowDeepCollaborationParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, OwnContrastStage, SharedContrastStage]


def test_it_trains_through_all_stages(trained):
    state, reports, _ = trained
    assert [report.stage for report in reports] == [
        "warm-up", "own-contrast", "own-contrast", "shared-contrast", "shared-contrast"
    ]  # fmt: skip
    assert set(reports[1].losses) == {"cluster", "near_within"}
    assert set(reports[2].losses) == set(reports[4].losses) == {"cluster", "near_within", "near_across"}
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert "selected" not in reports[2].metrics
    assert 0 < reports[3].metrics["selected"] <= 1
    assert reports[3].association["assignment_accuracy"] >= 0
    assert all(report.clusters[m.label]["count"] > 0 for report in reports for m in Modality)
    assert set(state.memories) == {"shared-0"}
    assert all(torch.isfinite(memory).all() for memory in state.memories.values())


def test_a_resumed_run_ends_the_same(trained, smoke, smoke_inputs):
    state, reports, packed = trained
    resumed = build_state(smoke(*QUICK), smoke_inputs)
    unpack(resumed, packed)
    assert run_epoch(resumed).losses == reports[-1].losses
    assert all(torch.equal(resumed.memories[name], state.memories[name]) for name in state.memories)


def test_an_encoder_of_two_branches_learns_in_both(smoke, smoke_inputs):
    state = build_state(smoke(*TWO_BRANCHES), smoke_inputs)
    before = {name: p.clone() for name, p in state.encoder.named_parameters()}
    report = run_epoch(state)
    assert report.stage == "shared-contrast"
    assert all(np.isfinite(value) for value in report.losses.values())
    assert set(state.memories) == {"shared-0", "shared-1"}
    moved = {name for name, p in state.encoder.named_parameters() if not torch.equal(p, before[name])}
    for branch in ("deep", "shallow"):
        assert any(f".{branch}." in name for name in moved)


PUBLISHED = {
    "sdcl-sysu_mm01": {
        "shared": [False] * 30 + [True] * 20,
        "iterations": [200] * 30 + [100] * 20,
        "within": [1.0] * 30 + [0.1] * 20,
        "across": [0.0] * 10 + [0.5] * 20 + [0.1] * 20,
        "momentum": [0.1] * 50,
        "k1": 15, "eps": 0.6, "ranking": 20,
    },
    "sdcl-regdb": {
        "shared": [False] * 20 + [True] * 10,
        "iterations": [50] * 30,
        "within": [0.0] + [1.0] * 19 + [0.1] * 10,
        "across": [0.0] * 10 + [0.5] * 10 + [0.1] * 10,
        "momentum": [0.99] + [0.1] * 29,
        "k1": 30, "eps": 0.3, "ranking": 10,
    },
}  # fmt: skip
"""The published settings of all epochs."""


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_every_epoch_of_a_recipe_is_as_published(recipe_epochs, recipe):
    published, epochs = PUBLISHED[recipe], recipe_epochs(recipe)
    shared = published["shared"]
    assert [e.stage.name for e in epochs] == [f"{'shared' if late else 'own'}-contrast" for late in shared]
    assert [e.lr for e in epochs] == pytest.approx([3.5e-4 * 0.1 ** (n // 20) for n in range(len(epochs))])
    assert [e.iterations for e in epochs] == published["iterations"]
    # 800 near slots: each branch's -sum log softmax / (n + 1); the shallow branch counts half
    of_neighbours = 1.5 * 800 * np.log(800) / 801
    rng = np.random.default_rng(0)
    for number, e in enumerate(epochs):
        targets, memories = some_targets(shared[number])
        (step,) = e.stage.optimizer_steps(targets, e.epoch)
        (rows,) = step.sampler(1, rng)
        sizes = [np.unique(half // 20, return_counts=True)[1].tolist() for half in (rows[:128], rows[128:])]
        assert sizes == [[16] * 8] * 2
        batch = one_batch(e.stage.context.tracklets.modality)
        terms = {name: float(value) for name, value in step.loss(batch, memories, {}).items()}
        assert terms["cluster"] == pytest.approx(4 * np.log(SHARED_SIZE))  # two modalities, two branches
        within, across = published["within"][number], published["across"][number]
        assert terms.get("near_within", 0.0) == pytest.approx(within * 2 * of_neighbours)
        direction = 0.1 if number % 2 == 0 else 1.0  # from visible clips in even epochs of the run
        assert terms.get("near_across", 0.0) == pytest.approx(across * direction * of_neighbours)
        assert e.stage.momentum(e.epoch) == published["momentum"][number]
        assert step.wants_raw


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_the_numbers_of_a_recipe_are_the_published_ones(recipe_epochs, recipe):
    epochs, published = recipe_epochs(recipe), PUBLISHED[recipe]
    config, own, shared = epochs[0].config, epochs[0].stage, epochs[-1].stage
    assert (config.train.optimizer, config.train.weight_decay) == ("sgd", 5e-4)
    assert config.memory.rule == shared.context.memory_rule == "in-turn"
    assert (config.encoder.name, config.encoder.branches) == ("vit_b16", 2)
    assert (config.data.height, config.data.width, config.data.flip_average) == (288, 144, True)
    for spec in shared.context.clustering.values():
        assert (spec.distance, spec.eps, spec.k1, spec.k2, spec.min_samples) == (
            "jaccard", published["eps"], 30, 6, 4
        )  # fmt: skip
    assert shared.params.finer * 30 == published["k1"]
    for params in (own.params, shared.params):
        assert (params.temperature, params.slot_momentum, params.near, params.shallow_weight) == (
            0.05, 0.9, 0.9, 0.5
        )  # fmt: skip
    assert (shared.params.ranking, shared.params.voters) == (published["ranking"], 5)
