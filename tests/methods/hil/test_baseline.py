import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.association.ranking import agreed_labels
from raydist.clustering.spec import Clustering
from raydist.data.transforms.published import (
    FIRST_JITTERED,
    FIRST_JITTERED_ADAPTIVE_GREY,
    FIRST_JITTERED_EXCHANGE,
)
from raydist.engine.local_features import LocalFeatures
from raydist.errors import ClusteringError
from raydist.methods.common.branch_contrast import CLIP_VIEWS
from raydist.methods.hil.baseline import BaselineParams, BaselineStage
from raydist.methods.schedule import Epoch
from raydist.types import NOISE, Modality

FIRST = {"visible": 0, "infrared": 6}
"""The first row of each modality."""


@pytest.fixture
def baseline(two_branches):
    return lambda **params: BaselineStage(two_branches, BaselineParams(**params))


@pytest.fixture
def targets(baseline, two_branches, deep_and_shallow):
    return baseline().refresh(
        LocalFeatures(deep_and_shallow, two_branches.tracklets), None, Epoch(0, 9), np.random.default_rng(0)
    )


def unit(x):
    return x / np.linalg.norm(x)


def cross_entropy(x, memory, label, temperature):
    logits = [float(x @ m) / temperature for m in memory]
    return math.log(sum(math.exp(z) for z in logits)) - logits[label]


def clips_of(batch, modality, *, raw=False):
    """(row, [deep, shallow]) of all clips of a modality, one view after the other."""
    views = (batch.raw if raw else batch.features).numpy()
    for clip_view in views if modality == "visible" else views[:1]:
        for row, x in zip(batch.rows.tolist(), clip_view, strict=True):
            if (row >= 6) == (modality == "infrared"):
                yield row, [x[:4], x[4:]] if raw else [unit(x[:4]), unit(x[4:])]


def cluster_oracle(batch, memories, labels, modality, temperature=0.05):
    terms = [
        [cross_entropy(x[b], memories[f"{modality}-{b}"].numpy(), labels[row], temperature) for b in (0, 1)]
        for row, x in clips_of(batch, modality)
    ]
    return np.sum(terms) / len(terms)


def neighbour_oracle(batch, memories, source, target, temperature=0.05, near=0.9, weights=(1, 0.5)):
    home, away = ([memories.slots[f"slots-{m}-{b}"].table.numpy() for b in (0, 1)] for m in (source, target))
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
    assert len(targets.memories) == len(targets.slots) == 4
    for b in (0, 1):
        part = np.array([unit(m) for m in means[:, 4 * b : 4 * b + 4]])
        for modality, first in FIRST.items():
            _, slots = targets.slots[f"slots-{modality}-{b}"].part(0, 12)
            np.testing.assert_allclose(slots, part[first : first + 6], atol=1e-6)
            expected = [unit(part[first + 3 * c : first + 3 * c + 3].mean(axis=0)) for c in (0, 1)]
            np.testing.assert_allclose(targets.memories[f"{modality}-{b}"], expected, atol=1e-6)


@pytest.mark.parametrize(("epoch", "source", "factor"), [(4, "visible", 0.1), (5, "infrared", 1.0)])
def test_the_terms_equal_the_loops(baseline, targets, batch, doubles, epoch, source, factor):
    (optimizer_step,) = baseline().optimizer_steps(targets, Epoch(epoch, 9))
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
def test_neighbours_across_the_modalities_come_in_later(
    baseline, targets, batch, doubles, share, epoch, begun
):
    (optimizer_step,) = baseline(across_from=share).optimizer_steps(targets, Epoch(epoch, 9))
    assert ("near_across" in optimizer_step.loss(batch, doubles(targets), {})) == begun


def test_memories_change_by_the_update_alone(baseline, targets, batch, doubles, tables):
    (optimizer_step,) = baseline().optimizer_steps(targets, Epoch(5, 9))
    memories = doubles(targets)
    now = tables(memories)
    before = {name: value.clone() for name, value in now.items()}
    features = batch.features.clone().requires_grad_()
    terms = optimizer_step.loss(replace(batch, features=features), memories, {})
    torch.stack(list(terms.values())).sum().backward()
    assert all(torch.equal(now[name], before[name]) for name in before)
    optimizer_step.update(batch, memories)
    for modality, first in FIRST.items():
        clips = [(row - first, x) for row, x in clips_of(batch, modality)]
        for b in (0, 1):
            for momentum, name, size in ((0.1, f"{modality}-{b}", 3), (0.9, f"slots-{modality}-{b}", 1)):
                expected = before[name].clone().numpy()
                for group in {place // size for place, _ in clips}:
                    mean = np.mean([x[b] for place, x in clips if place // size == group], axis=0)
                    expected[group] = unit(momentum * expected[group] + (1 - momentum) * mean)
                np.testing.assert_allclose(now[name].numpy(), expected, atol=1e-9)
                assert not torch.equal(now[name], before[name])


def test_one_branch_leaves_out_all_that_is_shallow(
    context, deep_and_shallow, targets, baseline, batch, doubles, tables
):
    """The deep half alone gives the terms of two branches less those of the shallow one."""
    alone = BaselineStage(context, BaselineParams(across_from=0))
    deep = np.sqrt(2) * deep_and_shallow[..., :4]
    own = alone.refresh(LocalFeatures(deep, context.tracklets), None, Epoch(0, 9), np.random.default_rng(0))
    assert sorted([*own.memories, *own.slots]) == [
        "infrared-0",
        "slots-infrared-0",
        "slots-visible-0",
        "visible-0",
    ]
    (optimizer_step,) = alone.optimizer_steps(own, Epoch(1, 9))
    found = optimizer_step.loss(replace(batch, features=batch.features[..., :4]), doubles(own), {})
    (both,) = baseline(across_from=0, shallow_weight=0).optimizer_steps(targets, Epoch(1, 9))
    memories = doubles(targets)
    for name, value in tables(memories).items():
        if name.endswith("-1"):
            value[:] = 0  # no prototype is nearer than another, no slot is a neighbour
    two = both.loss(batch, memories, {})
    assert float(two["cluster"]) == pytest.approx(float(found["cluster"]) + 2 * math.log(2), rel=1e-6)
    assert float(found["near_within"]) > 0
    assert float(two["near_within"]) == 0


def test_visible_clips_have_two_views_and_infrared_clips_one(baseline, targets):
    (optimizer_step,) = baseline().optimizer_steps(targets, Epoch(0, 9))
    assert tuple(optimizer_step.clip_views) == CLIP_VIEWS
    assert [v.shows for v in CLIP_VIEWS] == [None, Modality.VISIBLE]
    assert [v.augment[Modality.VISIBLE] for v in CLIP_VIEWS] == [FIRST_JITTERED, FIRST_JITTERED_EXCHANGE]
    assert CLIP_VIEWS[0].augment[Modality.INFRARED] == FIRST_JITTERED_ADAPTIVE_GREY
    rows = optimizer_step.sampler(3, np.random.default_rng(0))
    assert rows.shape == (3, 8)
    assert (rows[:, :4] < 6).all()
    assert (rows[:, 4:] >= 6).all()


def in_turn(memory, clips, momentum):
    """Row after row moved by one clip after the other; `clips` are (row, x)."""
    after = memory.clone().numpy()
    for row, x in clips:
        if row != NOISE:
            after[row] = unit(momentum * after[row] + (1 - momentum) * x)
    return after


@pytest.mark.parametrize("slot_input", ["unit", "raw"])
@pytest.mark.parametrize("shared", [False, True])
def test_in_turn_clips_act_one_after_the_other_the_visible_ones_first(
    two_branches, deep_and_shallow, batch, doubles, tables, slot_input, shared
):
    context = replace(two_branches, memory_rule="in-turn")
    params = BaselineParams(slot_input=slot_input, shared_from=0.0 if shared else 1.0, first_momentum=0.6)
    stage = BaselineStage(context, params)
    for epoch, momentum in ((Epoch(0, 3), 0.6), (Epoch(1, 3), 0.1)):
        targets = stage.refresh(
            LocalFeatures(deep_and_shallow, context.tracklets), None, epoch, np.random.default_rng(0)
        )
        (step,) = stage.optimizer_steps(targets, epoch)
        assert step.wants_raw == (slot_input == "raw")
        memories = doubles(targets)
        now = tables(memories)
        before = {name: value.clone() for name, value in now.items()}
        step.update(batch, memories)
        assert ("shared-0" in memories) == shared
        for b in (0, 1):
            clips = {m: [(row, x[b]) for row, x in clips_of(batch, m)] for m in FIRST}
            labels = {m: targets.arrays[m] for m in FIRST}
            by_label = {m: [(labels[m][row], x) for row, x in clips[m]] for m in FIRST}
            names = {"shared": [*by_label["visible"], *by_label["infrared"]]} if shared else by_label
            for name, acting in names.items():
                expected = in_turn(before[f"{name}-{b}"], acting, momentum)
                np.testing.assert_allclose(now[f"{name}-{b}"].numpy(), expected, atol=1e-9)
            for m, first in FIRST.items():
                acting = [(row - first, x[b]) for row, x in clips_of(batch, m, raw=slot_input == "raw")]
                expected = in_turn(before[f"slots-{m}-{b}"], acting, 0.9)
                np.testing.assert_allclose(now[f"slots-{m}-{b}"].numpy(), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("params", "epoch", "within", "across"),
    [
        ({}, 5, 0.1, 0.1),
        ({"neighbour_weight": 1.0, "across_weight": 0.5}, 5, 1.0, 0.5),
        ({"neighbour_weight": 1.0, "across_weight": 0.5, "within_from": "epoch 6"}, 5, None, 0.5),
        ({"neighbour_weight": 1.0, "across_weight": 0.5, "across_from": "epoch 6"}, 5, 1.0, None),
        ({"neighbour_weight": 1.0, "across_weight": 0.5, "shared_from": "epoch 6"}, 5, 1.0, 0.5),
        ({"neighbour_weight": 1.0, "across_weight": 0.5, "shared_from": "epoch 5"}, 5, 0.1, 0.1),
    ],
)
def test_the_weights_of_neighbours(baseline, targets, batch, doubles, params, epoch, within, across):
    (step,) = baseline(**params).optimizer_steps(targets, Epoch(epoch, 9))
    memories = doubles(targets)
    terms = step.loss(batch, memories, {})
    assert ("near_within" in terms, "near_across" in terms) == (within is not None, across is not None)
    if within is not None:
        own = sum(neighbour_oracle(batch, memories, m, m) for m in FIRST)
        assert float(terms["near_within"]) == pytest.approx(within * own)
    if across is not None:
        other = neighbour_oracle(batch, memories, "infrared", "visible")
        assert float(terms["near_across"]) == pytest.approx(across * other)


class Clustered(LocalFeatures):
    """Finds the people of each modality, but leaves out the third visible tracklet."""

    def cluster(self, rows, spec):
        return Clustering(np.array([0, 0, NOISE if rows[0] == 0 else 0, 1, 1, 1]), 2)


def test_late_both_modalities_share_the_labels_of_the_ranking(deep_and_shallow, baseline):
    """A visible tracklet that no cluster has is in the means, but not trained on."""
    x = deep_and_shallow.copy()
    x[2] = 0.55 * x[0] + 0.45 * x[3]
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    stage = baseline(shared_from="epoch 1", ranking=3, voters=1)
    found = Clustered(x, stage.context.tracklets)
    refresh = [stage.refresh(found, None, Epoch(e, 2), np.random.default_rng(0)) for e in (0, 1)]
    own, late = (targets.arrays for targets in refresh)
    assert own["visible"][2] == NOISE
    assert not any(name.startswith("shared") for name in refresh[0].memories)
    assert late["infrared"].tolist() == own["infrared"].tolist()
    assert late["visible"].tolist() == [0, 0, NOISE, 1, 1, 1] + [NOISE] * 6
    assert refresh[1].labels.tolist() == np.maximum(late["visible"], late["infrared"]).tolist()
    assert refresh[1].metrics == {"selected": 1.0}
    means = np.array([unit(m) for m in x.astype(np.float64).mean(axis=1)])
    parts = [np.array([unit(m) for m in means[:, at : at + 4]]) for at in (0, 4)]
    near = [np.argsort(-part[:6] @ part[6:].T, axis=1, kind="stable")[:, :3] for part in parts]
    labels = agreed_labels(*(own["infrared"][6:][ids] for ids in near))
    assert labels[2] in (0, 1)
    everywhere = np.append(labels, own["infrared"][6:])
    for b, part in enumerate(parts):
        expected = [unit(part[everywhere == c].mean(axis=0)) for c in (0, 1)]
        np.testing.assert_allclose(refresh[1].memories[f"shared-{b}"], expected, atol=1e-6)


def test_where_no_visible_tracklet_has_a_label_the_error_says_what_to_do(baseline, mostly_noise):
    stage = baseline(shared_from=0.0, ranking=6)
    with pytest.raises(ClusteringError, match=r"lower method\.baseline\.ranking = 6, begin later by method"):
        stage.refresh(mostly_noise, None, Epoch(0, 2), np.random.default_rng(0))
