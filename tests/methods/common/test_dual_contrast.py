import numpy as np
import pytest
import torch
import torch.nn.functional as F

from raydist.engine.refresher import LocalRefresher
from raydist.methods.common.dual_contrast import DualContrastParams, DualContrastStage
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality


@pytest.fixture
def stage(context):
    return DualContrastStage(context, DualContrastParams(momentum=0.5))


@pytest.fixture
def targets(stage, context, features):
    refresher, rng = LocalRefresher(context.tracklets), np.random.default_rng(0)
    return stage.refresh(features, None, refresher, Epoch(0), rng)


def memories_of(targets):
    return {name: torch.tensor(value) for name, value in targets.memories.items()}


def test_each_modality_has_clusters_and_centroids_of_its_own(targets):
    assert targets.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert targets.arrays["infrared"].tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]
    assert targets.memories["visible"].shape == targets.memories["infrared"].shape == (2, 4)
    assert targets.diagnosis is None
    assert targets.clustered_rows.all()


def test_the_terms_are_cross_entropies_with_the_own_centroids(stage, targets, features):
    (step,) = stage.optimizer_steps(targets, Epoch(0))
    views, memories = torch.from_numpy(features[:, 0]).repeat(2, 1, 1), memories_of(targets)
    terms = step.loss(Batch(views, torch.arange(12)), memories, {})
    for m in Modality:
        own = slice(6 * m, 6 * m + 6)
        logits = views[0, own] @ memories[m.label].T / stage.params.temperature
        expected = F.cross_entropy(logits, torch.tensor([0, 0, 0, 1, 1, 1]))
        assert torch.allclose(terms[m.label], expected, rtol=1e-5)


def test_a_centroid_moves_by_the_first_view(stage, targets):
    memories, before = memories_of(targets), memories_of(targets)
    (step,) = stage.optimizer_steps(targets, Epoch(0))
    goals = torch.eye(4)[[3, 2]][:, None]  # another direction for each view
    step.update(Batch(goals, torch.tensor([9])), memories)
    moved = F.normalize(0.5 * before["infrared"][1] + 0.5 * goals[0, 0], dim=0)
    assert torch.allclose(memories["infrared"][1], moved, atol=1e-6)
    assert torch.equal(memories["infrared"][0], before["infrared"][0])
    assert torch.equal(memories["visible"], before["visible"])
