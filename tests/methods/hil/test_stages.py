import math

import numpy as np
import pytest
import torch

from raydist.association.reverse_selection import reverse_selection
from raydist.engine.refresher import LocalRefresher
from raydist.errors import ClusteringError
from raydist.losses.multi_centre import multi_centre_contrast
from raydist.memories.sub_centroids import sub_centroids
from raydist.methods.hil.branches import Clips
from raydist.methods.hil.stages import (
    CLIP_VIEWS,
    BaselineParams,
    BaselineStage,
    HierarchyParams,
    HierarchyStage,
)
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality

VISIBLE, INFRARED = slice(0, 6), slice(6, 12)
FIRST = {"visible": 0, "infrared": 6}
"""The first row of each modality."""


@pytest.fixture
def baseline(two_branches):
    return lambda **params: BaselineStage(two_branches, BaselineParams(**params))


@pytest.fixture
def targets(baseline, two_branches, deep_and_shallow):
    return baseline().refresh(
        deep_and_shallow, None, LocalRefresher(two_branches.tracklets), Epoch(0, 9), np.random.default_rng(0)
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


def test_memories_change_by_the_update_alone(baseline, targets, batch, doubles):
    (optimizer_step,) = baseline().optimizer_steps(targets, Epoch(5, 9))
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


def test_one_branch_leaves_out_all_that_is_shallow(
    context, deep_and_shallow, targets, baseline, batch, doubles
):
    """The deep half alone gives the terms of two branches less those of the shallow one."""
    alone = BaselineStage(context, BaselineParams(across_from=0))
    deep = np.sqrt(2) * deep_and_shallow[..., :4]
    own = alone.refresh(deep, None, LocalRefresher(context.tracklets), Epoch(0, 9), np.random.default_rng(0))
    assert sorted(own.memories) == ["infrared-0", "slots-infrared-0", "slots-visible-0", "visible-0"]
    (optimizer_step,) = alone.optimizer_steps(own, Epoch(1, 9))
    found = optimizer_step.loss(type(batch)(batch.features[..., :4], batch.rows), doubles(own), {})
    (both,) = baseline(across_from=0, shallow_weight=0).optimizer_steps(targets, Epoch(1, 9))
    memories = doubles(targets)
    for name, value in memories.items():
        if name.endswith("-1"):
            value[:] = 0  # no prototype is nearer than another, no slot is a neighbour
    two = both.loss(batch, memories, {})
    assert float(two["cluster"]) == pytest.approx(float(found["cluster"]) + 2 * math.log(2), rel=1e-6)
    assert float(found["near_within"]) > 0
    assert float(two["near_within"]) == 0


def test_each_modality_has_two_versions(baseline, targets):
    (optimizer_step,) = baseline().optimizer_steps(targets, Epoch(0, 9))
    assert tuple(optimizer_step.clip_views) == CLIP_VIEWS
    assert [v.augment[Modality.VISIBLE].exchange for v in CLIP_VIEWS] == [0.0, 1.0]
    assert len({v.augment[Modality.INFRARED] for v in CLIP_VIEWS}) == 1
    rows = optimizer_step.sampler(3, np.random.default_rng(0))
    assert rows.shape == (3, 8)
    assert (rows[:, :4] < 6).all()
    assert (rows[:, 4:] >= 6).all()


@pytest.fixture
def hierarchy(two_branches):
    return lambda **params: HierarchyStage(two_branches, HierarchyParams(**{"sub_centres": 2, **params}))


@pytest.fixture
def refreshed(two_branches, deep_and_shallow):
    def run(hierarchy, epoch=0, features=deep_and_shallow):
        return hierarchy.refresh(
            features, None, LocalRefresher(two_branches.tracklets), Epoch(epoch, 6), np.random.default_rng(0)
        )

    return run


@pytest.fixture
def strangers(deep_and_shallow):
    """The same features, but the second visible person is somebody else, somewhat like the first."""
    x = deep_and_shallow.copy()
    x[3:6, :, :4] = x[3:6, :, [3, 2, 1, 0]] + 0.3 * x[0:3, :, :4]
    x[3:6, :, 4:] = x[3:6, :, [7, 6, 5, 4]] + 0.3 * x[0:3, :, 4:]
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def test_a_person_has_one_label_in_both_modalities(hierarchy, refreshed):
    targets = refreshed(hierarchy())
    assert targets.labels.tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert targets.diagnosis.labels_before.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert targets.metrics == {"selected": 1.0}


@pytest.mark.parametrize(
    ("transmission", "epoch", "receives"),
    [
        ("both", 0, "visible"),
        ("both", 1, "infrared"),
        ("both", 2, "visible"),
        ("one-way", 0, "visible"),
        ("one-way", 1, "visible"),
    ],
)
def test_the_direction_follows_the_epoch(hierarchy, refreshed, strangers, transmission, epoch, receives):
    """Nobody's prototype reaches the stranger, and the stranger's reaches nobody: the direction shows in who
    is left out."""
    targets = refreshed(hierarchy(transmission=transmission, threshold=0.8), epoch, strangers)
    visible, infrared = targets.labels[VISIBLE], targets.labels[INFRARED]
    assert visible[:3].tolist() == [0, 0, 0]
    assert infrared[:3].tolist() == [0, 0, 0]
    if receives == "visible":
        assert infrared[3:].tolist() == [1, 1, 1]
        assert visible[3:].tolist() == [NOISE] * 3
    else:
        assert visible[3:].tolist() == [1, 1, 1]
        assert infrared[3:].tolist() == [NOISE] * 3
    assert targets.metrics["selected"] == 0.5
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + infrared.tolist()


def test_labels_are_those_of_reverse_selection(hierarchy, refreshed, strangers):
    targets = refreshed(hierarchy(threshold=0.3), features=strangers)
    before = targets.diagnosis.labels_before
    mean = strangers.astype(np.float64).mean(axis=1)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    prototypes = np.stack([mean[before == c].mean(axis=0) for c in (2, 3)]).astype(np.float32)
    expected = reverse_selection(mean[VISIBLE].astype(np.float32), prototypes, before[VISIBLE], threshold=0.3)
    assert targets.labels[VISIBLE].tolist() == expected.tolist()


def test_shared_memories_hold_both_modalities_and_each_has_centres_of_its_own(
    hierarchy, refreshed, strangers
):
    targets = refreshed(hierarchy(threshold=0.8), features=strangers)
    shapes = {name: value.shape for name, value in targets.memories.items()}
    for b in (0, 1):
        assert shapes[f"shared-{b}"] == (2, 4)
        assert shapes[f"centres-shared-{b}"] == shapes[f"centres-infrared-{b}"] == (2, 3, 4)
        assert shapes[f"centres-visible-{b}"] == (1, 3, 4)  # the second cluster has nobody there
        assert shapes[f"slots-visible-{b}"] == (6, 4)
    mean = strangers.astype(np.float64).mean(axis=1)
    deep = mean[:, :4] / np.linalg.norm(mean[:, :4], axis=1, keepdims=True)
    both = deep[[0, 1, 2, 6, 7, 8]].mean(axis=0)
    np.testing.assert_allclose(targets.memories["shared-0"][0], both / np.linalg.norm(both), atol=1e-6)
    np.testing.assert_allclose(
        targets.memories["centres-shared-0"][0, 0], both / np.linalg.norm(both), atol=1e-6
    )
    only = sub_centroids(deep[:3].astype(np.float32), np.zeros(3, np.int64), 0, np.random.default_rng(0))
    np.testing.assert_allclose(targets.memories["centres-visible-0"][:, :1], only, atol=1e-6)


@pytest.mark.parametrize(("epoch", "weight"), [(0, 0.1), (3, 0.1), (4, 2.0), (5, 2.0)])
def test_the_terms_of_centres_and_their_weight(hierarchy, refreshed, batch, doubles, epoch, weight):
    chosen = hierarchy(centre_weight=2.0)
    targets = refreshed(chosen, epoch)
    memories = doubles(targets)
    (optimizer_step,) = chosen.optimizer_steps(targets, Epoch(epoch, 6))
    terms = optimizer_step.loss(batch, memories, {})
    assert set(terms) == {"cluster", "near_within", "near_across", "centre_within", "centre_across"}
    clips = Clips.of(batch, 2)
    of = {"visible": clips.where(clips.rows < 6), "infrared": clips.where(clips.rows >= 6)}

    def contrast(modality, centres):
        return float(
            multi_centre_contrast(
                of[modality].parts, [memories[f"centres-{centres}-{b}"] for b in (0, 1)], [1.0, 0.5]
            )
        )

    within = contrast("visible", "shared") + contrast("infrared", "shared")
    across = contrast("visible", "infrared") + contrast("infrared", "visible")
    assert float(terms["centre_within"]) == pytest.approx(weight * within)
    assert float(terms["centre_across"]) == pytest.approx(weight * across)
    assert abs(within - across) > 1e-6


def test_shared_prototypes_move_by_the_mean_of_both_modalities(hierarchy, refreshed, batch, doubles):
    chosen = hierarchy(momentum=0.4)
    targets = refreshed(chosen)
    memories = doubles(targets)
    before = {name: value.clone() for name, value in memories.items()}
    (optimizer_step,) = chosen.optimizer_steps(targets, Epoch(0, 6))
    optimizer_step.update(batch, memories)
    clips = Clips.of(batch, 2)
    first = torch.from_numpy(targets.labels)[clips.rows] == 0
    assert set(clips.rows[first].tolist()) == {0, 2, 7}
    moved = 0.4 * before["shared-0"][0] + 0.6 * clips.parts[0][first].mean(dim=0)
    torch.testing.assert_close(memories["shared-0"][0], moved / moved.norm())
    still = [name for name in memories if name.startswith("centres")]
    assert len(still) == 6
    assert all(torch.equal(memories[name], before[name]) for name in still)


def test_without_sub_centres_a_cluster_has_one_centre(hierarchy, refreshed, batch, doubles):
    chosen = hierarchy(sub_centres=0)
    targets = refreshed(chosen)
    assert targets.memories["centres-shared-1"].shape == (2, 1, 4)
    assert np.array_equal(targets.memories["centres-shared-1"][:, 0], targets.memories["shared-1"])
    (optimizer_step,) = chosen.optimizer_steps(targets, Epoch(0, 6))
    assert all(torch.isfinite(term) for term in optimizer_step.loss(batch, doubles(targets), {}).values())


def test_where_one_modality_knows_one_cluster_the_rest_is_still_learned(
    hierarchy, refreshed, strangers, doubles
):
    chosen = hierarchy(threshold=0.8)
    targets = refreshed(chosen, features=strangers)
    (optimizer_step,) = chosen.optimizer_steps(targets, Epoch(0, 6))
    rows = optimizer_step.sampler(1, np.random.default_rng(0))[0]
    assert not set(rows.tolist()) & {3, 4, 5}
    x = torch.randn(2, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    terms = optimizer_step.loss(Batch(x, torch.from_numpy(rows)), doubles(targets), {})
    torch.stack(list(terms.values())).sum().backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad.norm(dim=2) > 0).all()


def test_when_nobody_is_selected_the_error_says_what_to_do(hierarchy, refreshed, deep_and_shallow):
    opposed = deep_and_shallow.copy()
    opposed[VISIBLE] = (
        -opposed[VISIBLE] - 0.5 * opposed[[3, 4, 5, 0, 1, 2]]
    )  # at a negative cosine to everybody
    opposed /= np.linalg.norm(opposed, axis=-1, keepdims=True)
    with pytest.raises(
        ClusteringError,
        match=r"no visible tracklet .* 2 infrared prototypes: lower method.hierarchy.threshold",
    ):
        refreshed(hierarchy(), features=opposed)
