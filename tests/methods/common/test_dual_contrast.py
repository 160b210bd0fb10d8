from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from raydist.engine.local_features import LocalFeatures
from raydist.methods.common.dual_contrast import DualContrastParams, DualContrastStage
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality


@pytest.fixture
def stage(context):
    return DualContrastStage(context, DualContrastParams(momentum=0.5))


@pytest.fixture
def targets(stage, context, features):
    rng = np.random.default_rng(0)
    return stage.refresh(LocalFeatures(features, context.tracklets), None, Epoch(0), rng)


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


@pytest.mark.parametrize("rule", ["mean", "in-turn"])
def test_prototypes_move_by_all_views_under_the_rule(rule, context, targets):
    stage = DualContrastStage(replace(context, memory_rule=rule), DualContrastParams(momentum=0.5))
    (step,) = stage.optimizer_steps(targets, Epoch(0))
    rows = torch.tensor([1, 0, 1, 9, 10, 6])
    views = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    shows = [view.shows for view in step.clip_views]
    memories, expected = memories_of(targets), memories_of(targets)
    step.update(Batch(views, rows, shows=shows), memories)
    for m in Modality:
        own = [
            (x, int(targets.arrays[m.label][row]))
            for view in views[: 2 - int(m)]
            for x, row in zip(view, rows, strict=True)
        ]
        move_in_a_loop(
            expected[m.label], [pair for pair in own if pair[1] >= 0], 0.5, in_turn=rule == "in-turn"
        )
        assert torch.allclose(memories[m.label], expected[m.label], atol=1e-6)


def move_in_a_loop(prototypes, samples, momentum, *, in_turn):
    if not in_turn:
        of = {c: [F.normalize(x, dim=0) for x, y in samples if y == c] for _, c in samples}
        samples = [(torch.stack(xs).mean(0), c) for c, xs in of.items()]
    for x, c in samples:
        x = F.normalize(x, dim=0) if in_turn else x
        prototypes[c] = F.normalize(momentum * prototypes[c] + (1 - momentum) * x, dim=0)


@pytest.mark.parametrize(
    ("jittered", "jitter"), [("none", (0, 0)), ("visible", (0.5, 0)), ("both", (0.5, 0.5))]
)
def test_visible_clips_are_shown_a_second_time_by_one_channel(jittered, jitter):
    first, second = DualContrastParams(jittered=jittered).clip_views
    assert (first.shows, second.shows) == (None, Modality.VISIBLE)
    assert first.augment[Modality.VISIBLE].exchange == 0
    assert second.augment[Modality.VISIBLE].exchange == 1
    grey = first.augment[Modality.INFRARED]
    assert (grey.exchange, grey.luma) == (0.75, 0.125)
    assert (second.augment[Modality.VISIBLE].jitter, grey.jitter) == jitter


def test_tones_show_all_clips_twice():
    assert [view.shows for view in DualContrastParams(views="tones").clip_views] == [None, None]
