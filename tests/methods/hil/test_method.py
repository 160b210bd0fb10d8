import numpy as np
import pytest
import torch

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.methods.common.labels import ClusterArrays
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.hil.baseline import BaselineStage
from raydist.methods.hil.hierarchy import HierarchyStage
from raydist.methods.hil.method import HierarchicalIdentityLearning, HierarchicalIdentityParams
from raydist.methods.method import Targets
from raydist.methods.slots import Slots
from raydist.methods.steps import Batch, Memories
from raydist.types import NOISE, Modality

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


def test_a_run_goes_from_own_memories_to_shared_ones_and_may_be_taken_up_there(smoke, smoke_inputs):
    words = (
        *QUICK, "memory.rule=in-turn", "method.baseline.slot_input=raw", "method.baseline.ranking=5",
        "method.baseline.shared_from=epoch 1", "method.warm_up.share=0", "method.hierarchy.share=0",
        "method.baseline.iterations_factor=2", "method.baseline.step_epochs=1",
    )  # fmt: skip
    whole, again = (build_state(smoke(*words), smoke_inputs) for _ in range(2))
    first, second = run_epoch(whole), run_epoch(whole)
    assert "selected" not in first.metrics
    assert 0 < second.metrics["selected"] <= 1
    assert set(whole.memories) == {"shared-0"}
    assert set(whole.memories.slots) == {"slots-visible-0", "slots-infrared-0"}
    assert whole.steps == 2 * 4
    assert whole.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.3 * whole.config.train.lr)
    unpack(again, pack(whole, second))
    assert run_epoch(again).losses == run_epoch(whole).losses


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


PUBLISHED = {
    "hil-sysu_mm01": {
        "iterations": [200] * 30 + [100] * 30,
        "within": [1.0] * 30 + [0.1] * 30,
        "across": [0.0] * 10 + [0.5] * 20 + [0.1] * 30,
        "momentum": [0.1] * 60,
        "shared": [False] * 30 + [True] * 30,
        "eps": 0.6, "threshold": 0.5, "sub_centres": 9,
    },
    "hil-regdb": {
        "iterations": [50] * 60,
        "within": [0.0] + [1.0] * 19 + [0.1] * 10 + [0.1] * 30,
        "across": [0.0] * 10 + [0.5] * 10 + [0.1] * 10 + [0.1] * 30,
        "momentum": [0.99] + [0.1] * 59,
        "shared": [False] * 20 + [True] * 10 + [True] * 30,
        "eps": 0.3, "threshold": 0.8, "sub_centres": 2,
    },
}  # fmt: skip
"""The published settings of all epochs: 30 of SDCL, then 30 of HIL."""

RATE = [3.5e-4] * 20 + [3.5e-5] * 10 + [3.5e-5] * 30
CENTRES = [0.0] * 30 + [0.1] * 20 + [1.0] * 10
SHARED_SIZE = 40


def one_batch(modality):
    """A clip of every tenth tracklet, its features all alike, so that every term is a plain number."""
    rows = torch.arange(0, 1600, 10)
    x = torch.ones(2, len(rows), 8, dtype=torch.float64)
    x[1, torch.from_numpy(modality)[rows] == Modality.INFRARED] = 0
    unit = torch.nn.functional.normalize(x, dim=-1)
    return Batch(unit, rows, raw=10 * x, shows=[None, Modality.VISIBLE])


def some_targets(shared):
    """Targets of 40 clusters in each modality; features are alike, so that every slot is near every other."""
    cluster, nothing = np.repeat(np.arange(40), 20), np.full(800, NOISE)
    arrays = ClusterArrays(visible=np.append(cluster, nothing), infrared=np.append(nothing, cluster))
    ones = torch.nn.functional.normalize(torch.ones(800, 4, dtype=torch.float64), dim=1)
    slots = {f"slots-{m.label}-{b}": Slots(ones.clone()) for m in Modality for b in (0, 1)}
    memories = Memories(slots=slots)
    for name in ["shared"] if shared else ["visible", "infrared"]:
        memories |= {f"{name}-{b}": ones[:SHARED_SIZE].clone() for b in (0, 1)}
    memories |= {f"centres-shared-{b}": torch.eye(4, dtype=torch.float64)[:, None] for b in (0, 1)}
    return Targets(np.append(cluster, cluster), arrays.pack()), memories


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_every_epoch_of_a_recipe_is_as_published(recipe_epochs, recipe):
    published, epochs = PUBLISHED[recipe], recipe_epochs(recipe)
    assert [e.stage.name for e in epochs] == ["baseline"] * 30 + ["hierarchy"] * 30
    assert [e.lr for e in epochs] == pytest.approx(RATE)
    assert [e.iterations for e in epochs] == published["iterations"]
    # 800 near slots: each branch's -sum log softmax / (n + 1); the shallow branch counts half
    of_neighbours = 1.5 * 800 * np.log(800) / 801
    rng = np.random.default_rng(0)
    for number, e in enumerate(epochs):
        targets, memories = some_targets(published["shared"][number])
        (step,) = e.stage.optimizer_steps(targets, e.epoch)
        (rows,) = step.sampler(1, rng)
        sizes = [np.unique(half // 20, return_counts=True)[1].tolist() for half in (rows[:128], rows[128:])]
        assert sizes == [[16] * 8] * 2
        assert ((rows >= 800) == np.repeat([False, True], 128)).all()
        batch = one_batch(e.stage.context.tracklets.modality)
        terms = {name: float(value) for name, value in step.loss(batch, memories, {}).items()}
        assert terms["cluster"] == pytest.approx(4 * np.log(SHARED_SIZE))  # two modalities, two branches
        within, across = published["within"][number], published["across"][number]
        assert terms.get("near_within", 0.0) == pytest.approx(within * 2 * of_neighbours)
        direction = 0.1 if number % 2 == 0 else 1.0  # from visible clips in even epochs
        assert terms.get("near_across", 0.0) == pytest.approx(across * direction * of_neighbours)
        mccl = 2 * 1.5 * np.log(2)  # all centres are equally far
        assert terms.get("centre_within", 0.0) == pytest.approx(CENTRES[number] * mccl)
        assert terms.get("centre_across", 0.0) == pytest.approx(CENTRES[number] * mccl)
        assert e.stage.momentum(e.epoch) == published["momentum"][number]
        assert step.wants_raw


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_the_numbers_of_a_recipe_are_the_published_ones(recipe_epochs, recipe):
    epochs, published = recipe_epochs(recipe), PUBLISHED[recipe]
    config, baseline, hierarchy = epochs[0].config, epochs[0].stage, epochs[-1].stage
    assert (config.train.optimizer, config.train.weight_decay) == ("sgd", 5e-4)
    assert config.memory.rule == hierarchy.context.memory_rule == "in-turn"
    assert (config.encoder.name, config.encoder.branches) == ("vit_b16", 2)
    assert (config.data.height, config.data.width, config.data.flip_average) == (288, 144, True)
    for spec in hierarchy.context.clustering.values():
        assert (spec.distance, spec.eps, spec.k1, spec.k2, spec.min_samples) == (
            "jaccard", published["eps"], 30, 6, 4
        )  # fmt: skip
    for params in (baseline.params, hierarchy.params):
        assert (params.temperature, params.slot_momentum, params.near, params.shallow_weight) == (
            0.05, 0.9, 0.9, 0.5
        )  # fmt: skip
    params = hierarchy.params
    assert (params.threshold, params.sub_centres, params.shrink) == (
        published["threshold"], published["sub_centres"], 0.9
    )  # fmt: skip
    assert (params.transmission, params.across_centres) == ("one-way", "shared")
    if recipe == "hil-regdb":
        assert (baseline.params.ranking, baseline.params.voters) == (10, 5)
    assert [e.epoch.is_past(e.stage.params.shared_from) for e in epochs[:30]] == published["shared"][:30]
