import numpy as np
import pytest
import torch

from raydist.methods.common.dual_contrast import DualContrastStage
from raydist.methods.common.warm_up import WarmUp
from raydist.methods.method import Targets
from raydist.methods.pgm.method import ProgressiveGraphMatching, ProgressiveGraphMatchingParams
from raydist.methods.pgm.stages import CrossArrays, CrossContrastStage
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality


def test_its_stages(context):
    stages = ProgressiveGraphMatching(ProgressiveGraphMatchingParams(), context).stages()
    assert [type(stage) for stage in stages] == [WarmUp, DualContrastStage, CrossContrastStage]


PUBLISHED = {
    "pgm-sysu_mm01": {
        "epochs": 50,
        "falls": [20, 40],
        "steps": 200,
        "eps": 0.6,
        "jitter": (0.5, 0),
        "hardest": True,
        "unequal": "skip",
    },
    "pgm-regdb": {
        "epochs": 30,
        "falls": [10, 20],
        "steps": 100,
        "eps": 0.3,
        "jitter": (0, 0),
        "hardest": False,
        "unequal": "swap",
    },
}
"""What the authors' scripts set, by stage where it differs."""


def some_targets() -> Targets:
    """Forty clusters of each modality; each is matched with the next one across."""
    labels, none = np.repeat(np.arange(40), 20), np.full(800, NOISE)
    arrays = CrossArrays(
        visible=np.r_[labels, none], infrared=np.r_[none, labels], across=np.tile((labels + 1) % 40, 2)
    )
    eye = np.eye(40, dtype=np.float32)
    return Targets(np.r_[labels, labels + 40], arrays.pack(), {"visible": eye, "infrared": eye})


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_every_epoch_of_a_recipe_is_as_published(recipe_epochs, recipe):
    published, epochs = PUBLISHED[recipe], recipe_epochs(recipe)
    of_stage = published["epochs"]
    assert [e.stage.name for e in epochs] == ["dual-contrast"] * of_stage + ["cross-contrast"] * of_stage
    targets, rng = some_targets(), np.random.default_rng(0)
    for number, e in enumerate(epochs):
        second, index = divmod(number, of_stage)
        assert e.lr == pytest.approx(3.5e-4 * 0.1 ** sum(index >= fall for fall in published["falls"]))
        assert e.iterations == published["steps"]
        (step,) = e.stage.optimizer_steps(targets, e.epoch)
        first, channel = step.clip_views
        assert [view.shows for view in step.clip_views] == [None, Modality.VISIBLE]
        assert [view.augment[Modality.VISIBLE].jitter for view in (first, channel)] == [0, 0.5]
        assert [view.augment[Modality.VISIBLE].exchange for view in (first, channel)] == [0, 1]
        assert first.augment[Modality.INFRARED].jitter == published["jitter"][second]
        (rows,) = step.sampler(1, rng)
        clusters = [np.unique(rows[(rows >= 800) == m] // 20, return_counts=True)[1] for m in Modality]
        assert [sizes.tolist() for sizes in clusters] == [[16] * 8, [16] * 16]
        if second:
            assert moved_across(step, targets) == ["infrared" if index % 2 == 0 else "visible"]


def moved_across(step, targets):
    """The memories in which a step on a visible and an infrared clip of cluster 0 moves the matched row 1."""
    memories = {name: torch.tensor(rows) for name, rows in targets.memories.items()}
    features = torch.zeros(2, 2, 40)
    features[..., 39] = 1
    step.update(Batch(features, torch.tensor([0, 800]), shows=[None, Modality.VISIBLE]), memories)
    return [name for name, rows in memories.items() if not torch.equal(rows[1], torch.eye(40)[1])]


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_the_numbers_of_a_recipe_are_the_published_ones(recipe_epochs, recipe):
    epochs, published = recipe_epochs(recipe), PUBLISHED[recipe]
    config, cross = epochs[0].config, epochs[-1].stage
    assert (config.train.optimizer, config.train.weight_decay) == ("adam", 5e-4)
    assert (config.train.precision, config.memory.rule) == ("fp32", "in-turn")
    assert (config.encoder.name, config.encoder.non_local) == ("agw_resnet50", "one")
    assert (config.data.resize, config.evaluation.resize) == ("bicubic", "lanczos")
    assert not config.clustering.renormalise
    for spec in cross.context.clustering.values():
        assert (spec.eps, spec.k1, spec.k2, spec.min_samples) == (published["eps"], 30, 6, 4)
    for stage in (epochs[0].stage, cross):
        assert (stage.params.temperature, stage.params.momentum) == (0.05, 0.2)
    assert (cross.params.weight, cross.params.cross_updates) == (0.25, True)
    assert (cross.params.hardest, cross.params.unequal) == (published["hardest"], published["unequal"])
