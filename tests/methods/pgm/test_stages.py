import numpy as np
import pytest
import torch

from raydist.engine.refresher import LocalRefresher
from raydist.methods.pgm.stages import CrossContrastParams, CrossContrastStage
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE


@pytest.fixture
def stage(context):
    return CrossContrastStage(context, CrossContrastParams(weight=1.0))


@pytest.fixture
def targets(stage, context, features):
    return stage.refresh(
        features, None, LocalRefresher(context.tracklets), Epoch(0), np.random.default_rng(0)
    )


def test_clusters_of_one_person_are_partners(targets):
    assert targets.arrays["across"].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]


def test_the_partners_of_infrared_tracklets_are_diagnosed(targets):
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("epoch", "source", "memory"), [(0, slice(6, 12), "visible"), (1, slice(0, 6), "infrared")]
)
def test_the_direction_alternates(stage, targets, features, epoch, source, memory):
    (optimizer_step,) = stage.optimizer_steps(targets, Epoch(epoch))
    x = torch.from_numpy(features[:, 0])
    memories = {name: torch.tensor(value) for name, value in targets.memories.items()}
    found = optimizer_step.loss(Batch(x[None], torch.arange(12)), memories, {})["cross"]
    logits = x[source] @ memories[memory].T / stage.params.temperature
    labels = torch.from_numpy(targets.arrays["across"])[source]
    assert torch.allclose(found, torch.nn.functional.cross_entropy(logits, labels), rtol=1e-5)
