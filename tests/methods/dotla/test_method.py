import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.methods.common.dual_contrast import DualContrastStage
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.dotla.assignment import AssignedArrays
from raydist.methods.dotla.method import DualOptimalTransport, DualOptimalTransportParams
from raydist.methods.dotla.stages import TransportStage
from raydist.methods.method import Targets
from raydist.types import NOISE, Modality


def test_its_stages(context):
    stages = DualOptimalTransport(DualOptimalTransportParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, DualContrastStage, TransportStage]


RECIPES = {
    "dotla-sysu_mm01": {"steps": 200, "eps": 0.6, "candidates": 32},
    "dotla-regdb": {"steps": 100, "eps": 0.3, "candidates": None},
}


def some_targets() -> Targets:
    """Forty clusters of each modality; each is assigned to the one of its number."""
    labels, none = np.repeat(np.arange(40), 20), np.full(800, NOISE)
    arrays = AssignedArrays(
        visible=np.r_[labels, none],
        infrared=np.r_[none, labels],
        assigned=np.tile(labels, 2),
        neighbours=csr_array((1600, 80), dtype=np.float32),
    )
    eye = np.eye(40, dtype=np.float32)
    return Targets(np.r_[labels, labels + 40], arrays.pack(), {"visible": eye, "infrared": eye})


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_epoch_of_a_recipe_is_that_of_the_groups_scripts(recipe_epochs, recipe):
    epochs, targets, rng = recipe_epochs(recipe), some_targets(), np.random.default_rng(0)
    assert [e.stage.name for e in epochs] == ["dual-contrast"] * 40 + ["transport"] * 50
    for number, e in enumerate(epochs):
        falls = sum(number >= fall for fall in (20, 60, 80))
        assert e.lr == pytest.approx(3.5e-4 * 0.1**falls)
        assert e.iterations == RECIPES[recipe]["steps"]
        (step,) = e.stage.optimizer_steps(targets, e.epoch)
        first, channel = step.clip_views
        assert [view.shows for view in step.clip_views] == [None, Modality.VISIBLE]
        assert [view.augment[Modality.VISIBLE].jitter for view in (first, channel)] == [0, 0.5]
        assert first.augment[Modality.INFRARED].jitter == 0.5
        (rows,) = step.sampler(1, rng)
        clusters = [np.unique(rows[(rows >= 800) == m] // 20, return_counts=True)[1] for m in Modality]
        assert [sizes.tolist() for sizes in clusters] == [[12] * 12] * 2


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_numbers_of_a_recipe(recipe_epochs, recipe):
    epochs = recipe_epochs(recipe)
    config, stage = epochs[0].config, epochs[-1].stage
    assert (config.train.optimizer, config.train.weight_decay) == ("adam", 5e-4)
    assert (config.train.precision, config.memory.rule) == ("fp32", "in-turn")
    assert (config.encoder.name, config.encoder.non_local) == ("agw_resnet50", None)
    for spec in stage.context.clustering.values():
        assert (spec.eps, spec.k1, spec.k2, spec.min_samples) == (RECIPES[recipe]["eps"], 30, 6, 4)
    for one in (epochs[0].stage, stage):
        assert (one.params.temperature, one.params.momentum) == (0.05, 0.1)
    params = stage.params
    assert (params.sharpness, params.marginal, params.sinkhorn_tolerance) == (25, "uniform", 0.1)
    assert params.num_candidates == RECIPES[recipe]["candidates"]
    assert (params.num_neighbours, params.beta, params.weight, params.consistency) == (10, 0.5, 1, 0.1)


def test_every_stage_trains_on_the_smallest_drawn_set(smoke, smoke_inputs):
    words = ("method.name=dotla", "train.limit_epochs=1", "train.iterations=2", "evaluation.every=0")
    state = build_state(smoke(*words, "train.batch_identities=3", "train.batch_instances=2"), smoke_inputs)
    reports = [run_epoch(state) for _ in range(state.plan.num_epochs)]
    terms = {"visible", "infrared", "visible-to-infrared", "infrared-to-visible", "consistency"}
    assert set(reports[-1].losses) >= terms
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert 0 <= reports[-1].metrics["neighbour_agreement"] <= 1
