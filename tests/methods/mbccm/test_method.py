import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.errors import ConfigError
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.mbccm.method import BilateralClusterMatching, BilateralClusterMatchingParams
from raydist.methods.mbccm.pairs import LinkedArrays
from raydist.methods.mbccm.stages import CrossStage, IntraStage
from raydist.methods.method import Targets
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality

QUICK = (
    "method.name=mbccm", "evaluation.every=0", "train.batch_identities=3", "train.batch_instances=2",
    "train.iterations=2", "train.epochs=5", "method.warm_up.share=1", "memory.rule=in-turn",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(smoke, smoke_inputs):
    """A whole run in one process: its state, its reports, and its checkpoint before the last epoch."""
    state = build_state(smoke(*QUICK), smoke_inputs)
    reports = [run_epoch(state) for _ in range(state.plan.num_epochs - 1)]
    packed = pack(state, reports[-1])
    return state, [*reports, run_epoch(state)], packed


def test_its_stages(context):
    stages = BilateralClusterMatching(BilateralClusterMatchingParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, IntraStage, CrossStage]


def test_pairs_need_as_many_clusters_of_both_modalities(smoke, smoke_inputs):
    unequal = "train.batch_identities={visible: 4, infrared: 3}"
    with pytest.raises(ConfigError, match=r"visible: 4, infrared: 3.*mbccm draws.*give one number for both"):
        build_state(smoke(*QUICK, unequal), smoke_inputs)
    assert build_state(smoke(*QUICK, unequal, "method.cross.share=0"), smoke_inputs).plan


def test_it_trains_through_all_stages(trained):
    state, reports, _ = trained
    stages = [report.stage for report in reports]
    assert sorted(set(stages), key=stages.index) == ["warm-up", "intra", "cross"]
    losses = {report.stage: set(report.losses) for report in reports}
    assert losses["intra"] == {"visible", "infrared"}
    assert losses["cross"] == {"visible", "infrared", "agnostic", "consistency"}
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert min(reports[-1].metrics["links_visible"], reports[-1].metrics["links_infrared"]) >= 1
    assert set(state.memories) == {"visible", "infrared", "visible_agnostic", "infrared_agnostic"}
    assert not torch.equal(state.memories["visible"], state.memories["visible_agnostic"])


def test_a_resumed_run_ends_the_same(trained, smoke, smoke_inputs):
    state, _, packed = trained
    resumed = build_state(smoke(*QUICK), smoke_inputs)
    unpack(resumed, packed)
    run_epoch(resumed)
    linked = (one.targets.arrays["linked"].toarray() for one in (resumed, state))
    assert np.array_equal(*linked)
    assert all(
        torch.equal(a, b)
        for a, b in zip(resumed.encoder.parameters(), state.encoder.parameters(), strict=True)
    )
    assert all(torch.equal(resumed.memories[name], state.memories[name]) for name in state.memories)


RATES = [3.5e-4] * 20 + [3.5e-5] * 30 + [3.5e-6] * 20 + [3.5e-7] * 10
"""Of the 80 epochs of the published run."""

PUBLISHED = {"mbccm-sysu_mm01": {"steps": 300, "eps": 0.6}, "mbccm-regdb": {"steps": 100, "eps": 0.3}}


def some_targets() -> Targets:
    """Forty clusters of each modality; each is linked with the same one across and with the next."""
    labels, none = np.repeat(np.arange(40), 20), np.full(800, NOISE)
    linked = csr_array(np.eye(40, dtype=bool) | np.roll(np.eye(40, dtype=bool), 1, axis=1))
    arrays = LinkedArrays(visible=np.r_[labels, none], infrared=np.r_[none, labels], linked=linked)
    eye = np.eye(40, dtype=np.float32)
    names = ("visible", "infrared", "visible_agnostic", "infrared_agnostic")
    return Targets(np.r_[labels, labels + 40], arrays.pack(), dict.fromkeys(names, eye))


def terms_of(step, targets, rows):
    """The terms of a batch of features that are all alike."""
    clips = torch.ones(2, len(rows), 40) / 40**0.5
    memories = {name: torch.tensor(table) for name, table in targets.memories.items()}
    batch = Batch(clips, torch.from_numpy(rows), raw=clips, shows=[view.shows for view in step.clip_views])
    return {name: float(value) for name, value in step.loss(batch, memories, {}).items()}


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_every_epoch_of_a_recipe_is_as_published(recipe_epochs, recipe):
    epochs, published = recipe_epochs(recipe), PUBLISHED[recipe]
    assert [e.stage.name for e in epochs] == ["intra"] * 40 + ["cross"] * 40
    assert [e.lr for e in epochs] == pytest.approx(RATES)
    assert {e.iterations for e in epochs} == {published["steps"]}
    targets, rng, log = some_targets(), np.random.default_rng(0), float(np.log(40))
    for number, e in enumerate(epochs):
        (step,) = e.stage.optimizer_steps(targets, e.epoch)
        first, channel = step.clip_views
        assert (first.shows, channel.shows) == (None, Modality.VISIBLE)
        for view, exchange in ((first, 0), (channel, 1)):
            assert (view.augment[Modality.VISIBLE].jitter, view.augment[Modality.VISIBLE].exchange) == (
                0,
                exchange,
            )
        grey = first.augment[Modality.INFRARED]
        assert (grey.jitter, grey.exchange, grey.luma) == (0, 0.75, 0.125)
        (rows,) = step.sampler(1, rng)
        visible, infrared = (half.reshape(12, 12) % 800 // 20 for half in np.split(rows, 2))
        assert (rows < 800).tolist() == [True] * 144 + [False] * 144
        assert (visible == visible[:, :1]).all()
        assert (infrared == infrared[:, :1]).all()
        terms = terms_of(step, targets, rows)
        cross = {"agnostic": 0.9 * 6 * log, "consistency": 0.0} if number >= 40 else {}
        assert terms == pytest.approx({"visible": 2 * log, "infrared": log, **cross}, abs=1e-4)
        if number >= 40:
            assert targets.arrays["linked"].toarray()[visible[:, 0], infrared[:, 0]].all()


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_the_numbers_of_a_recipe_are_the_published_ones(recipe_epochs, recipe):
    epochs, published = recipe_epochs(recipe), PUBLISHED[recipe]
    config, intra, cross = epochs[0].config, epochs[0].stage, epochs[-1].stage
    assert (config.train.optimizer, config.train.weight_decay) == ("adam", 5e-4)
    assert (config.train.precision, config.memory.rule) == ("fp32", "in-turn")
    assert (config.encoder.name, config.encoder.non_local) == ("agw_resnet50", "off")
    assert (config.data.resize, config.data.flip_average) == ("lanczos", False)
    assert (config.data.height, config.data.width, config.run.seed) == (288, 144, 0)
    for spec in cross.context.clustering.values():
        assert (spec.eps, spec.k1, spec.k2, spec.min_samples) == (published["eps"], 30, 6, 4)
    for stage in (intra, cross):
        assert (stage.params.temperature, stage.params.momentum) == (0.05, 0.1)
    assert (cross.params.alpha, cross.params.beta, cross.params.raw_across) == (0.9, 0.5, True)
