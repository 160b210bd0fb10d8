from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.sparse import csr_array

from raydist.association.bilateral import bilateral_matching
from raydist.engine.local_features import LocalFeatures
from raydist.methods.common.dual_contrast import DualContrastParams
from raydist.methods.mbccm.pairs import LinkedArrays
from raydist.methods.mbccm.stages import CrossParams, CrossStage, IntraStage
from raydist.methods.method import Targets
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality

MEMORIES = ("visible", "infrared", "visible_agnostic", "infrared_agnostic")


def unit(*shape, seed=0):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(x, dim=-1)


@pytest.fixture
def targets():
    """Three visible and two infrared clusters of two tracklets each; every memory has rows of its own."""
    arrays = LinkedArrays(
        visible=np.r_[0, 0, 1, 1, 2, 2, [NOISE] * 6], infrared=np.r_[[NOISE] * 6, 0, 0, 1, 1, NOISE, NOISE],
        linked=csr_array(np.array([[1, 0], [1, 1], [0, 1]], bool)),
    )  # fmt: skip
    sizes = {"visible": 3, "infrared": 2}
    memories = {
        name: unit(sizes[name.partition("_")[0]], 4, seed=10 + k).numpy() for k, name in enumerate(MEMORIES)
    }
    labels = np.r_[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, NOISE, NOISE]
    return Targets(labels, arrays.pack(), memories)


ROWS = torch.tensor([2, 3, 4, 2, 8, 9, 6, 7])
"""Pairs of the visible clusters 1, 1, 2, 1 and the infrared ones 1, 1, 0, 0."""

PAIRS = {"visible": [1, 1, 2, 1], "infrared": [1, 1, 0, 0]}
CALLS = {"V": (0, slice(0, 4)), "A": (1, slice(0, 4)), "I": (0, slice(4, 8))}
"""View and places of V, of A with one channel and of I."""


@pytest.fixture
def batch():
    raw = 3 * torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    raw[1, 4:] = 0  # as the second view of infrared clips, which they do not have
    return Batch(F.normalize(raw, dim=-1), ROWS, raw=raw, shows=[None, Modality.VISIBLE])


def memories_of(targets):
    return {name: torch.tensor(value) for name, value in targets.memories.items()}


def cross_entropy(x, memory, labels, temperature):
    logits = [[float(a @ m) / temperature for m in memory] for a in x]
    losses = [np.logaddexp.reduce(row) - row[y] for row, y in zip(logits, labels, strict=True)]
    return float(np.mean(losses))


def apart(first, second):
    """The mean over the rows of half of KL both ways, of logits."""
    p, q = (np.clip(torch.softmax(x, dim=1).numpy(), 1e-12, None) for x in (first, second))
    return float(((p * np.log(p / q)).sum() + (q * np.log(q / p)).sum()) / 2 / len(p))


def step_of(stage, targets):
    (step,) = stage.optimizer_steps(targets, Epoch(0, 40))
    return step


@pytest.mark.parametrize("kind", ["intra", "cross"])
def test_the_specific_terms_add_up_the_views(context, targets, batch, kind):
    params, t = (DualContrastParams(), 0.05) if kind == "intra" else (CrossParams(temperature=0.2), 0.2)
    stage = (IntraStage if kind == "intra" else CrossStage)(context, params)
    memories = memories_of(targets)
    terms = step_of(stage, targets).loss(batch, memories, {})
    expected = {
        name: sum(
            cross_entropy(batch.features[view, places], memories[name], PAIRS[name], t)
            for view, places in (CALLS[call] for call in calls)
        )
        for name, calls in {"visible": "VA", "infrared": "I"}.items()
    }
    assert {name: float(terms[name]) for name in expected} == pytest.approx(expected)
    assert set(terms) == (
        {"visible", "infrared"} | ({"agnostic", "consistency"} if kind == "cross" else set())
    )


@pytest.mark.parametrize("raw_across", [False, True])
def test_the_shared_terms_are_the_twelve_of_the_paper(context, targets, batch, raw_across):
    t = 0.3
    stage = CrossStage(context, CrossParams(temperature=t, alpha=0.7, beta=0.2, raw_across=raw_across))
    step, memories = step_of(stage, targets), memories_of(targets)
    assert step.wants_raw == raw_across
    if not raw_across:
        batch = replace(batch, raw=None)
    terms = step.loss(batch, memories, {})
    x = {call: batch.features[view, places] for call, (view, places) in CALLS.items()}
    source = batch.raw if raw_across else batch.features
    plain = {call: source[view, places] for call, (view, places) in CALLS.items()}
    m_v, m_i, a_v, a_i = (memories[name].T / t for name in MEMORIES)
    agnostic = sum(
        cross_entropy(clips, memories[f"{m}_agnostic"], PAIRS[m], t) for m in PAIRS for clips in x.values()
    )
    consistency = [
        apart(x["V"] @ m_v, x["V"] @ a_v),
        apart(x["A"] @ m_v, x["A"] @ a_v),
        apart(x["V"] @ a_i, plain["V"] @ m_i),
        apart(x["A"] @ a_i, plain["A"] @ m_i),
        apart(x["I"] @ a_v, plain["I"] @ m_v),
        apart(x["I"] @ m_i, x["I"] @ a_i),
    ]
    assert float(terms["agnostic"]) == pytest.approx(0.7 * agnostic)
    assert float(terms["consistency"]) == pytest.approx(0.2 * sum(consistency))


def test_the_consistency_draws_at_features_and_at_raw_ones(context, targets, batch):
    features, raw = (value.clone().requires_grad_() for value in (batch.features, batch.raw))
    step = step_of(CrossStage(context, CrossParams(temperature=1)), targets)
    loss = step.loss(replace(batch, features=features, raw=raw), memories_of(targets), {})["consistency"]
    loss.backward()
    for gradient in (features.grad, raw.grad):
        shown = gradient.abs().sum(dim=2) > 0
        assert shown[0].all()
        assert shown[1].tolist() == [True] * 4 + [False] * 4


def loop_of_calls(memory, calls, momentum):
    """Sample by sample, call by call."""
    for x, labels in calls:
        for one, y in zip(x, labels, strict=True):
            memory[y] = F.normalize(momentum * memory[y] + (1 - momentum) * one, dim=0)


def by_means(memory, calls, momentum):
    """Once by the mean of all samples of a cluster."""
    samples = [pair for x, labels in calls for pair in zip(x, labels, strict=True)]
    for c in {y for _, y in samples}:
        mean = torch.stack([x for x, y in samples if y == c]).mean(0)
        memory[c] = F.normalize(momentum * memory[c] + (1 - momentum) * mean, dim=0)


@pytest.mark.parametrize(("rule", "oracle"), [("in-turn", loop_of_calls), ("mean", by_means)])
@pytest.mark.parametrize("kind", ["intra", "cross"])
def test_memories_move_in_the_order_of_the_published_backward_pass(
    context, targets, batch, kind, rule, oracle
):
    stage = {"intra": IntraStage, "cross": CrossStage}[kind](
        replace(context, memory_rule=rule), CrossParams(momentum=0.3)
    )
    memories, expected = memories_of(targets), memories_of(targets)
    step_of(stage, targets).update(batch, memories)
    x = {call: batch.features[view, places] for call, (view, places) in CALLS.items()}
    orders = {"visible": "AV", "infrared": "I", "visible_agnostic": "IAV", "infrared_agnostic": "IAV"}
    for name in MEMORIES if kind == "cross" else MEMORIES[:2]:
        labels = PAIRS[name.partition("_")[0]]
        oracle(expected[name], [(x[call], labels) for call in orders[name]], 0.3)
    for name, memory in memories.items():
        torch.testing.assert_close(memory, expected[name])


def test_with_tones_infrared_clips_have_two_views_as_well(context, targets, batch):
    stage = CrossStage(context, CrossParams(views="tones"))
    step, memories = step_of(stage, targets), memories_of(targets)
    assert [view.shows for view in step.clip_views] == [None, None]
    both = replace(batch, features=unit(2, 8, 4, seed=5), shows=[None, None])
    terms = step.loss(both, memories, {})
    expected = sum(
        cross_entropy(both.features[view, 4:], memories["infrared"], PAIRS["infrared"], 0.05)
        for view in range(2)
    )
    assert float(terms["infrared"]) == pytest.approx(expected)
    step.update(both, memories)
    assert all(torch.isfinite(memory).all() for memory in memories.values())


def test_a_refresh_links_the_clusters_and_makes_four_memories(context, features):
    stage = CrossStage(context, CrossParams())
    local = LocalFeatures(features, context.tracklets)
    targets = stage.refresh(local, None, Epoch(0, 40), np.random.default_rng(0))
    assert targets.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    arrays = LinkedArrays.of(targets)
    visible, infrared = (targets.memories[m.label] for m in Modality)
    assert np.array_equal(arrays.linked.toarray(), bilateral_matching(visible, infrared).toarray())
    assert np.array_equal(arrays.linked.toarray(), np.eye(2, dtype=bool))
    assert set(targets.memories) == set(MEMORIES)
    assert all(
        np.array_equal(targets.memories[f"{m.label}_agnostic"], targets.memories[m.label]) for m in Modality
    )
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]
    assert targets.metrics == {"links_visible": 1.0, "links_infrared": 1.0}
    rows = step_of(stage, targets).sampler(4, np.random.default_rng(0))
    assert rows.shape == (4, 8)
    assert (context.tracklets.modality[rows] == np.repeat([0, 1], 4)).all()


def test_the_first_stage_draws_each_modality_by_itself_whatever_the_cameras(context, features):
    stage = IntraStage(context, DualContrastParams())
    targets = stage.refresh(
        LocalFeatures(features, context.tracklets), None, Epoch(0), np.random.default_rng(0)
    )
    mixed = replace(context.tracklets, camera=np.tile([0, 0, 1], 4))
    (step,) = IntraStage(replace(context, tracklets=mixed), DualContrastParams()).optimizer_steps(
        targets, Epoch(0)
    )
    rows = step.sampler(60, np.random.default_rng(0)).reshape(60, 4, 2)
    assert (targets.labels[rows] == targets.labels[rows][:, :, :1]).all()
    assert (mixed.camera[rows[:, :, 0]] == mixed.camera[rows[:, :, 1]]).any()
