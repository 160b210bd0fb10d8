from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from raydist.association.progressive import ClusterMatching
from raydist.engine.local_features import LocalFeatures
from raydist.methods.adca.stages import AggregationParams, AggregationStage
from raydist.methods.common.dual_contrast import DualContrastParams, DualContrastStage
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality


def refreshed(context, features, **params):
    stage = AggregationStage(context, AggregationParams(**params))
    local = LocalFeatures(features, context.tracklets)
    return stage.refresh(local, None, Epoch(0), np.random.default_rng(0))


@pytest.fixture
def dual(context, features):
    stage = DualContrastStage(context, DualContrastParams())
    local = LocalFeatures(features, context.tracklets)
    return stage.refresh(local, None, Epoch(0), np.random.default_rng(0))


def test_the_labels_are_those_of_the_dual_contrast(context, features, dual):
    targets = refreshed(context, features)
    assert np.array_equal(targets.labels, dual.labels)
    for name, labels in dual.arrays.items():
        assert np.array_equal(targets.arrays[name], labels)


def test_visible_prototypes_take_nine_tenths_of_the_infrared_ones(context, features, dual):
    targets, (visible, infrared) = refreshed(context, features), (dual.memories[m.label] for m in Modality)
    assert targets.memories["visible"] == pytest.approx(0.1 * visible + 0.9 * infrared, abs=1e-6)
    assert np.array_equal(targets.memories["infrared"], infrared)
    assert targets.metrics == {"matched": 2.0}
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]


def test_crossed_people_are_matched_by_their_votes(context, features, dual):
    crossed = features.copy()
    crossed[6:] = features[[9, 10, 11, 6, 7, 8]]
    targets = refreshed(context, crossed)
    wanted = 0.1 * dual.memories["visible"] + 0.9 * dual.memories["infrared"]
    assert targets.memories["visible"] == pytest.approx(wanted, abs=1e-6)
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + [1, 1, 1, 0, 0, 0]


def test_where_nothing_is_similar_enough_the_memories_stay(context, features, dual):
    targets = refreshed(context, features, threshold=1.0)
    for name, memory in dual.memories.items():
        assert np.array_equal(targets.memories[name], memory)
    assert targets.metrics == {"matched": 0.0}
    assert (targets.diagnosis.assignment == NOISE).all()


def test_noise_has_no_vote(context, features):
    """A visible tracklet far from all others of its modality, like every infrared one of the first person."""
    odd = features.copy()
    odd[5] = [0.6, 0, 0.8, 0]
    targets = refreshed(context, odd)
    assert targets.arrays["visible"].tolist() == [0, 0, 0, 1, 1, NOISE] + [NOISE] * 6
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]


def test_short_features_vote_by_their_length(context, features):
    """Features of length 0.7, as averages are: a similarity of 0.49 is no vote."""
    short = dict.fromkeys(Modality, context.clustering[Modality.VISIBLE].with_values(renormalise=False))
    raw = replace(context, clustering=short)
    assert refreshed(raw, np.float32(0.7) * features).metrics == {"matched": 0.0}
    assert refreshed(raw, np.float32(0.75) * features).metrics == {"matched": 2.0}
    assert refreshed(context, np.float32(0.7) * features).metrics == {"matched": 2.0}


def unit(num_rows, seed):
    x = np.random.default_rng(seed).normal(size=(num_rows, 5))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("num_visible", range(7))
@pytest.mark.parametrize("num_infrared", range(7))
@pytest.mark.parametrize(("two_way", "renormalise"), [(False, False), (True, False), (True, True)])
def test_every_matched_prototype_is_blended_in_a_loop(
    context, num_visible, num_infrared, two_way, renormalise
):
    rng = np.random.default_rng(0)
    memories = {"visible": unit(num_visible, 1), "infrared": unit(num_infrared, 2)}
    v2i, i2v = np.full(num_visible, -1), np.full(num_infrared, -1)
    matched = (min(num_visible, num_infrared) + 1) // 2
    pairs = list(
        zip(rng.permutation(num_visible)[:matched], rng.permutation(num_infrared)[:matched], strict=True)
    )
    wanted = {name: memory.copy() for name, memory in memories.items()}
    for a, b in pairs:
        v2i[a], i2v[b] = b, a
        wanted["visible"][a] = 0.2 * memories["visible"][a] + 0.8 * memories["infrared"][b]
        if two_way:
            wanted["infrared"][b] = 0.2 * memories["infrared"][b] + 0.8 * memories["visible"][a]
        if renormalise:
            for name, row in (("visible", a), ("infrared", b)):
                wanted[name][row] /= np.linalg.norm(wanted[name][row])
    params = AggregationParams(blend=0.8, two_way=two_way, renormalise=renormalise)
    found = AggregationStage(context, params).aggregate(memories, ClusterMatching(v2i, i2v))
    for name, memory in wanted.items():
        assert found[name] == pytest.approx(memory, abs=1e-6)


def test_the_first_sample_in_turn_gives_a_short_prototype_unit_length(context, features):
    stage = AggregationStage(replace(context, memory_rule="in-turn"), AggregationParams())
    targets = refreshed(context, features)
    (step,) = stage.optimizer_steps(targets, Epoch(0))
    memories = {name: torch.tensor(value) for name, value in targets.memories.items()}
    before = memories["visible"].clone()
    assert (before.norm(dim=1) < 1).all()
    x = F.normalize(torch.randn(2, 1, 4, generator=torch.Generator().manual_seed(0)), dim=-1)
    shows = [view.shows for view in step.clip_views]
    step.update(Batch(x, torch.tensor([0]), shows=shows), memories)
    expected = before[0]
    for view in x[:, 0]:
        expected = F.normalize(0.1 * expected + 0.9 * view, dim=0)
    torch.testing.assert_close(memories["visible"][0], expected)
    assert torch.equal(memories["visible"][1], before[1])


def test_logits_are_those_of_the_short_prototypes(context, features):
    stage = AggregationStage(context, AggregationParams())
    targets = refreshed(context, features)
    (step,) = stage.optimizer_steps(targets, Epoch(0))
    views, memories = (
        torch.from_numpy(features[:, 0])[None],
        {k: torch.tensor(v) for k, v in targets.memories.items()},
    )
    terms = step.loss(Batch(views, torch.arange(12)), memories, {})
    logits = views[0, :6] @ memories["visible"].T / 0.05
    expected = F.cross_entropy(logits, torch.tensor([0, 0, 0, 1, 1, 1]))
    assert set(terms) == {"visible", "infrared"}
    assert torch.allclose(terms["visible"], expected, rtol=1e-5)
