import numpy as np
import pytest

from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.methods.adca.method import AggregationLearning, AggregationLearningParams
from raydist.methods.adca.stages import AggregationStage
from raydist.methods.common.dual_contrast import DualContrastStage
from raydist.methods.common.labels import ClusterArrays
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.method import Targets
from raydist.types import NOISE, Modality


def test_its_stages(context):
    stages = AggregationLearning(AggregationLearningParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, DualContrastStage, AggregationStage]


def some_targets() -> Targets:
    """Forty clusters of twenty tracklets in each modality."""
    labels, none = np.repeat(np.arange(40), 20), np.full(800, NOISE)
    arrays = ClusterArrays(visible=np.append(labels, none), infrared=np.append(none, labels))
    return Targets(np.append(labels, labels + 40), arrays.pack())


@pytest.mark.parametrize(("recipe", "steps"), [("adca-sysu_mm01", 200), ("adca-regdb", 100)])
def test_every_epoch_of_a_recipe_is_as_published(recipe_epochs, recipe, steps):
    epochs, rng = recipe_epochs(recipe), np.random.default_rng(0)
    assert [e.stage.name for e in epochs] == ["dual-contrast"] * 50 + ["aggregation"] * 50
    rates = [3.5e-4 * 0.1 ** (index // 20) for index in range(50)]
    assert [e.lr for e in epochs] == pytest.approx(rates * 2)  # each stage begins anew
    for e in epochs:
        assert e.iterations == steps
        (step,) = e.stage.optimizer_steps(some_targets(), e.epoch)
        first, channel = step.clip_views
        assert (first.shows, channel.shows) == (None, Modality.VISIBLE)
        visible = [view.augment[Modality.VISIBLE] for view in (first, channel)]
        assert [(view.exchange, view.jitter) for view in visible] == [(0, 0), (1, 0)]
        grey = first.augment[Modality.INFRARED]
        assert (grey.exchange, grey.luma, grey.jitter) == (0.75, 0.125, 0)
        (rows,) = step.sampler(1, rng)
        sizes = [np.unique(rows[(rows >= 800) == m] // 20, return_counts=True)[1] for m in Modality]
        assert [of.tolist() for of in sizes] == [[16] * 8, [16] * 16]


@pytest.mark.parametrize(("recipe", "eps"), [("adca-sysu_mm01", 0.6), ("adca-regdb", 0.3)])
def test_the_numbers_of_a_recipe_are_the_published_ones(recipe_epochs, recipe, eps):
    epochs = recipe_epochs(recipe)
    config, last = epochs[0].config, epochs[-1].stage
    assert (config.train.optimizer, config.train.weight_decay) == ("adam", 5e-4)
    assert (config.train.precision, config.memory.rule) == ("fp32", "in-turn")
    assert (config.encoder.name, config.encoder.non_local) == ("agw_resnet50", "one")
    assert (config.data.resize, config.evaluation.resize) == ("bicubic", "lanczos")
    assert not config.clustering.renormalise
    for stage in (epochs[0].stage, last):
        assert (stage.params.temperature, stage.params.momentum) == (0.05, 0.1)
        for spec in stage.context.clustering.values():
            assert (spec.eps, spec.k1, spec.k2, spec.min_samples) == (eps, 30, 6, 4)
    assert (last.params.threshold, last.params.blend) == (0.5, 0.9)
    assert not last.params.two_way
    assert not last.params.renormalise


@pytest.mark.parametrize("words", [(), ("clustering.renormalise=false", "memory.rule=in-turn")])
def test_it_trains_through_all_stages(smoke, smoke_inputs, words):
    quick = ("train.iterations=2", "train.epochs=4", "evaluation.every=0")
    shares = ("method.warm_up.share=1", "method.dual.share=1", "method.aggregation.share=2")
    state = build_state(smoke("method.name=adca", *quick, *shares, *words), smoke_inputs)
    before = [p.detach().clone() for p in state.encoder.parameters()]
    reports = [run_epoch(state) for _ in range(state.plan.num_epochs)]
    assert [state.plan.at(number).stage.name for number in range(4)] == [
        "warm-up",
        "dual-contrast",
        "aggregation",
        "aggregation",
    ]
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert all(report.metrics["matched"] >= 1 for report in reports[2:])
    assert any(not (a == b).all() for a, b in zip(before, state.encoder.parameters(), strict=True))
