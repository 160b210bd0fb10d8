import numpy as np
import pytest

from raydist.methods.common.dual_contrast import DualContrastStage
from raydist.methods.common.labels import ClusterArrays
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.dcl.method import DualContrast, DualContrastMethodParams
from raydist.methods.method import Targets
from raydist.types import NOISE, Modality


def test_its_stages(context):
    stages = DualContrast(DualContrastMethodParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, DualContrastStage]


def some_targets() -> Targets:
    """Forty clusters of twenty tracklets in each modality."""
    labels, none = np.repeat(np.arange(40), 20), np.full(800, NOISE)
    arrays = ClusterArrays(visible=np.append(labels, none), infrared=np.append(none, labels))
    return Targets(np.append(labels, labels + 40), arrays.pack())


@pytest.mark.parametrize(("recipe", "steps", "eps"), [("dcl-sysu_mm01", 200, 0.6), ("dcl-regdb", 100, 0.3)])
def test_every_epoch_of_a_recipe_is_as_published(recipe_epochs, recipe, steps, eps):
    epochs, rng = recipe_epochs(recipe), np.random.default_rng(0)
    assert [e.stage.name for e in epochs] == ["dual-contrast"] * 50
    assert [e.lr for e in epochs] == pytest.approx([3.5e-4 * 0.1 ** (index // 20) for index in range(50)])
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
    stage, config = epochs[0].stage, epochs[0].config
    assert (stage.params.temperature, stage.params.momentum) == (0.05, 0.1)
    assert (config.memory.rule, config.encoder.non_local, config.train.precision) == (
        "in-turn",
        "one",
        "fp32",
    )
    assert {(s.eps, s.k1, s.k2, s.min_samples) for s in stage.context.clustering.values()} == {
        (eps, 30, 6, 4)
    }
