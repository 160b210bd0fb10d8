import math

import numpy as np
import pytest
import torch

from raydist.engine.refresher import LocalRefresher
from raydist.methods.hil.baseline import VERSIONS, BaselineParams, BaselineStage
from raydist.types import Modality

FIRST = {"visible": 0, "infrared": 6}
"""The first row of each modality."""


@pytest.fixture
def stage(two_branches):
    def make(**params):
        stage = BaselineStage(two_branches, BaselineParams(**params))
        stage.epochs = 9
        return stage

    return make


@pytest.fixture
def targets(stage, two_branches, deep_and_shallow):
    return stage().refresh(
        deep_and_shallow, None, LocalRefresher(two_branches.tracklets), 0, np.random.default_rng(0)
    )


def unit(x):
    return x / np.linalg.norm(x)


def cross_entropy(x, memory, label, temperature):
    logits = [float(x @ m) / temperature for m in memory]
    return math.log(sum(math.exp(z) for z in logits)) - logits[label]


def clips_of(batch, modality):
    """(row, [deep, shallow]) of all clips of a modality."""
    for clip_view in batch.features.numpy():
        for row, x in zip(batch.rows.tolist(), clip_view, strict=True):
            if (row >= 6) == (modality == "infrared"):
                yield row, [unit(x[:4]), unit(x[4:])]


def cluster_oracle(batch, memories, labels, modality, temperature=0.05):
    terms = [
        [cross_entropy(x[b], memories[f"{modality}-{b}"].numpy(), labels[row], temperature) for b in (0, 1)]
        for row, x in clips_of(batch, modality)
    ]
    return np.sum(terms) / len(terms)


def neighbour_oracle(batch, memories, source, target, temperature=0.05, near=0.9, weights=(1, 0.5)):
    home, away = ([memories[f"slots-{m}-{b}"].numpy() for b in (0, 1)] for m in (source, target))
    losses = []
    for row, x in clips_of(batch, source):
        similarity = [away[b] @ home[b][row - FIRST[source]] for b in (0, 1)]
        chosen = [j for j in range(6) if all(s[j] > near * s.max() for s in similarity)]
        terms = [weights[b] * cross_entropy(x[b], away[b], j, temperature) for b in (0, 1) for j in chosen]
        losses.append(sum(terms) / (len(chosen) + 1))
    return np.mean(losses)


def test_every_branch_has_prototypes_and_slots_of_its_own(targets, deep_and_shallow):
    assert targets.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    means = np.array([unit(m) for m in deep_and_shallow.astype(np.float64).mean(axis=1)])
    assert len(targets.memories) == 8
    for b in (0, 1):
        part = np.array([unit(m) for m in means[:, 4 * b : 4 * b + 4]])
        for modality, first in FIRST.items():
            np.testing.assert_allclose(
                targets.memories[f"slots-{modality}-{b}"], part[first : first + 6], atol=1e-6
            )
            expected = [unit(part[first + 3 * c : first + 3 * c + 3].mean(axis=0)) for c in (0, 1)]
            np.testing.assert_allclose(targets.memories[f"{modality}-{b}"], expected, atol=1e-6)


@pytest.mark.parametrize(("epoch", "source", "factor"), [(4, "visible", 0.1), (5, "infrared", 1.0)])
def test_the_terms_equal_the_loops(stage, targets, batch, doubles, epoch, source, factor):
    (optimizer_step,) = stage().optimizer_steps(targets, epoch)
    memories = doubles(targets)
    terms = optimizer_step.loss(batch, memories, {})
    own = {m.label: targets.arrays[m.label] for m in Modality}
    assert float(terms["cluster"]) == pytest.approx(
        sum(cluster_oracle(batch, memories, own[m], m) for m in FIRST)
    )
    within = sum(neighbour_oracle(batch, memories, m, m) for m in FIRST)
    assert float(terms["near_within"]) == pytest.approx(0.1 * within)
    across = neighbour_oracle(batch, memories, source, Modality.parse(source).other.label)
    assert across > 0
    assert float(terms["near_across"]) == pytest.approx(0.1 * factor * across)


@pytest.mark.parametrize(
    ("share", "epoch", "begun"), [(1 / 3, 2, False), (1 / 3, 3, True), (0.0, 0, True), (1.0, 8, False)]
)
def test_neighbours_across_the_modalities_come_in_later(stage, targets, batch, doubles, share, epoch, begun):
    (optimizer_step,) = stage(across_from=share).optimizer_steps(targets, epoch)
    assert ("near_across" in optimizer_step.loss(batch, doubles(targets), {})) == begun


def test_memories_change_by_the_update_alone(stage, targets, batch, doubles):
    (optimizer_step,) = stage().optimizer_steps(targets, 5)
    memories = doubles(targets)
    before = {name: value.clone() for name, value in memories.items()}
    features = batch.features.clone().requires_grad_()
    torch.stack(
        list(optimizer_step.loss(type(batch)(features, batch.rows), memories, {}).values())
    ).sum().backward()
    assert all(torch.equal(memories[name], before[name]) for name in before)
    optimizer_step.update(batch, memories)
    for modality, first in FIRST.items():
        clips = [(row - first, x) for row, x in clips_of(batch, modality)]
        for b in (0, 1):
            for momentum, name, size in ((0.1, f"{modality}-{b}", 3), (0.9, f"slots-{modality}-{b}", 1)):
                expected = before[name].clone().numpy()
                for group in {place // size for place, _ in clips}:
                    mean = np.mean([x[b] for place, x in clips if place // size == group], axis=0)
                    expected[group] = unit(momentum * expected[group] + (1 - momentum) * mean)
                np.testing.assert_allclose(memories[name].numpy(), expected, atol=1e-9)
                assert not torch.equal(memories[name], before[name])


def test_one_branch_leaves_out_all_that_is_shallow(context, deep_and_shallow, targets, stage, batch, doubles):
    """The deep half alone gives the terms of two branches less those of the shallow one."""
    alone = BaselineStage(context, BaselineParams(across_from=0))
    deep = np.sqrt(2) * deep_and_shallow[..., :4]
    own = alone.refresh(deep, None, LocalRefresher(context.tracklets), 0, np.random.default_rng(0))
    assert sorted(own.memories) == ["infrared-0", "slots-infrared-0", "slots-visible-0", "visible-0"]
    (optimizer_step,) = alone.optimizer_steps(own, 1)
    found = optimizer_step.loss(type(batch)(batch.features[..., :4], batch.rows), doubles(own), {})
    (both,) = stage(across_from=0, shallow_weight=0).optimizer_steps(targets, 1)
    memories = doubles(targets)
    for name, value in memories.items():
        if name.endswith("-1"):
            value[:] = 0  # no prototype is nearer than another, no slot is a neighbour
    two = both.loss(batch, memories, {})
    assert float(two["cluster"]) == pytest.approx(float(found["cluster"]) + 2 * math.log(2), rel=1e-6)
    assert float(found["near_within"]) > 0
    assert float(two["near_within"]) == 0


def test_each_modality_has_two_versions(stage, targets):
    (optimizer_step,) = stage().optimizer_steps(targets, 0)
    assert tuple(optimizer_step.clip_views) == VERSIONS
    assert [v.augment[Modality.VISIBLE].exchange for v in VERSIONS] == [0.0, 1.0]
    assert len({v.augment[Modality.INFRARED] for v in VERSIONS}) == 1
    rows = optimizer_step.sampler(3, np.random.default_rng(0))
    assert rows.shape == (3, 8)
    assert (rows[:, :4] < 6).all()
    assert (rows[:, 4:] >= 6).all()
