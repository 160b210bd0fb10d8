import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.engine.refresher import LocalRefresher
from raydist.losses.triplet import batch_hard_triplet
from raydist.methods.dmdl.label_space import label_space
from raydist.methods.dmdl.stages import CrossParams, CrossStage, IntraParams, IntraStage
from raydist.methods.dmdl.views import Parts
from raydist.methods.method import Epoch
from raydist.types import NOISE, Modality, tracklet_means

INTRA_ROWS = [0, 1, 6, 7, 24, 25, 30, 42]
CROSS_ROWS = [0, 1, 6, 7, 24, 30, 31]
QUIET = {"exchange_from": 0.0, "triplet": (), "trusted_below": 2, "paired_from": 1.0, "finer": 1.0}


@pytest.fixture
def cross(context):
    return lambda parts=None, **params: CrossStage(
        context, CrossParams(**{**QUIET, **params}), parts or Parts()
    )


@pytest.fixture
def targets(cross, features, person):
    """Labels in one space of four classes, of which the visible lack the last; some confidence."""
    visible = np.where((np.arange(48) < 24) & (person < 3), person, NOISE)
    infrared = np.where(np.arange(48) >= 24, person, NOISE)
    made = cross().targets(
        tracklet_means(features), {Modality.VISIBLE: visible, Modality.INFRARED: infrared}, 4
    )
    made.arrays["confidence"][CROSS_ROWS] = np.linspace(0, 1, len(CROSS_ROWS))
    return made


def memories_of(targets):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in targets.memories.items()}


def softmax(values, chosen=None):
    chosen = range(len(values)) if chosen is None else chosen
    total = sum(math.exp(values[c]) for c in chosen)
    return [math.exp(v) / total if c in chosen else 0.0 for c, v in enumerate(values)]


def logits_of(x, memory):
    return [float(x @ m) / 0.05 for m in memory]


def soft_label(targets, memories, views, position, view, top=10):
    row = int(views.rows[position])
    other = logits_of(views.features[1 - view, position], memories["joint"])
    prediction = softmax(other, sorted(range(4), key=lambda c: -other[c])[:top])
    w, y = float(targets.arrays["confidence"][row]), targets.labels[row]
    return [w * (c == y) + (1 - w) * p for c, p in enumerate(prediction)]


def cross_by_loops(targets, views, *, cai, top):
    """The two likelihoods, one view of one clip after another."""
    memories, known = memories_of(targets), {"visible": [0, 1, 2], "infrared": [0, 1, 2, 3]}
    share = {"visible": 18 / 42, "infrared": 24 / 42}
    intra = across = 0.0
    for name, positions in (("visible", range(4)), ("infrared", range(4, 7))):
        for position in positions:
            for view in range(2):
                x, count = views.features[view, position], 2 * len(positions)
                wanted = soft_label(targets, memories, views, position, view, top)
                within = {m: softmax(logits_of(x, memories[m]), known[m]) for m in known}
                pooled = softmax(logits_of(x, memories["joint"]), range(4))
                adjusted = [sum(share[m] * within[m][c] for m in known) for c in range(4)]
                intra -= math.log(within[name][targets.labels[int(views.rows[position])]]) / count
                likelihood = adjusted if cai else pooled
                across -= sum(t * math.log(p) for t, p in zip(wanted, likelihood, strict=True) if t) / count
    return {"intra": intra, "across": 0.5 * across}


@pytest.mark.parametrize("cai", [True, False])
@pytest.mark.parametrize("top", [2, 10])
def test_the_likelihoods_equal_the_loops(cross, targets, batch, cai, top):
    (step,) = cross(Parts(cai=cai, feature=False), top=top).optimizer_steps(targets, Epoch(0, 4))
    views = batch(CROSS_ROWS)
    found = {name: float(value) for name, value in step.loss(views, memories_of(targets), {}).items()}
    assert found == pytest.approx(cross_by_loops(targets, views, cai=cai, top=top), rel=1e-5)


def test_what_the_targets_hold(targets, features):
    assert targets.arrays["shares"].tolist() == pytest.approx([18 / 42, 24 / 42])
    assert targets.arrays["present"].tolist() == [[True, True, True, False], [True] * 4]
    assert targets.metrics["shared_classes"] == 0.75
    means = tracklet_means(features).astype(np.float64)
    for name, members in (
        ("visible", slice(0, 6)),
        ("infrared", slice(24, 30)),
        ("joint", [*range(6), *range(24, 30)]),
    ):
        mean = means[members].mean(axis=0)
        assert targets.memories[name][0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert not targets.memories["visible"][3].any()
    assert np.array_equal(targets.diagnosis.assignment[:24], np.full(24, NOISE))


@pytest.mark.parametrize(
    ("epoch", "space"), [(0, Modality.INFRARED), (1, Modality.VISIBLE), (2, Modality.INFRARED)]
)
def test_the_modality_whose_turn_it_is_gives_the_classes_and_the_other_is_finer(
    cross, context, features, person, epoch, space
):
    class Watched(LocalRefresher):
        def cluster(self, rows, spec):
            specs[Modality(int(context.tracklets.modality[rows[0]]))] = spec
            return super().cluster(rows, spec)

    specs = {}
    made = cross(finer=0.5).refresh(
        features, None, Watched(context.tracklets), Epoch(epoch, 4), np.random.default_rng(0)
    )
    assert label_space(epoch) == space
    assert (specs[space].k1, specs[space.other].k1) == (6, 3)
    assert len({(a, b) for a, b in zip(made.labels, person, strict=True) if a != NOISE}) == 4


@pytest.mark.parametrize("epoch", [0, 1])
def test_memories_move_as_the_paper_says(cross, targets, batch, epoch):
    """A visible and an infrared clip of person 0: both move the memory of the space, each moves its own."""
    views, made = batch([0, 24]), cross()
    targets.arrays["confidence"][[0, 24]] = 0.1, 0.9
    memories, before = memories_of(targets), memories_of(targets)
    made.optimizer_steps(targets, Epoch(epoch, 4))[0].update(views, memories)
    clips = {"visible": [0], "infrared": [1]} | {label_space(epoch).label: [0, 1]}
    for name, positions in clips.items():
        moved = 0.2 * before[name][0] + 0.8 * views.features[:, positions].mean(dim=(0, 1))
        torch.testing.assert_close(memories[name][0], moved / moved.norm())
        assert torch.equal(memories[name][1:], before[name][1:])
    sums = torch.zeros(8, dtype=torch.float64)
    for position in range(2):
        for view in range(2):
            eta = 0.2 / max(soft_label(targets, before, views, position, view)[0], 0.2)
            sums += eta * before["joint"][0] + (1 - eta) * views.features[view, position]
    torch.testing.assert_close(memories["joint"][0], sums / sums.norm(), rtol=1e-5, atol=1e-6)


def test_a_label_that_nobody_believes_leaves_the_joint_row(cross, targets, batch):
    views, memories = batch([0, 24]), memories_of(targets)
    targets.labels[[0, 24]] = targets.arrays["visible"][0] = targets.arrays["infrared"][24] = 1
    targets.arrays["confidence"][[0, 24]] = 0.1
    before = memories["joint"].clone()
    cross().optimizer_steps(targets, Epoch(0, 4))[0].update(views, memories)
    assert torch.equal(memories["joint"], before)


def test_late_in_the_stage_both_modalities_show_the_same_people_and_meet_in_triplets(cross, targets, batch):
    made = cross(paired_from=0.5)
    early, late = (made.optimizer_steps(targets, Epoch(epoch, 4))[0] for epoch in (1, 2))
    views = batch(CROSS_ROWS)
    assert set(late.loss(views, memories_of(targets), {})) - set(
        early.loss(views, memories_of(targets), {})
    ) == {"joint"}
    labels = torch.from_numpy(targets.labels)[views.rows]
    every = torch.cat([views.raw[0, :4], views.raw[1, :4], views.raw[0, 4:], views.raw[1, 4:]])
    expected = batch_hard_triplet(
        every, torch.cat([labels[:4], labels[:4], labels[4:], labels[4:]]), margin=0.3
    )
    torch.testing.assert_close(late.loss(views, memories_of(targets), {})["joint"], expected)
    rows = late.sampler(20, np.random.default_rng(0))
    assert np.array_equal(targets.labels[rows[:, :6]], targets.labels[rows[:, 6:]])
    rows = early.sampler(20, np.random.default_rng(0))
    assert not np.array_equal(targets.labels[rows[:, :6]], targets.labels[rows[:, 6:]])


@pytest.fixture
def intra(context):
    return IntraStage(context, IntraParams(exchange_from=0.0, triplet=(), trusted_below=2), Parts())


@pytest.fixture
def intra_targets(intra, context, features):
    return intra.refresh(
        features, None, LocalRefresher(context.tracklets), Epoch(0, 2), np.random.default_rng(0)
    )


def intra_by_loops(batch, memory, labels, confidence, positions):
    losses = []
    logits = [[(x @ m).item() / 0.05 for m in memory] for view in batch.features for x in view]
    logits = [logits[: len(batch.rows)], logits[len(batch.rows) :]]
    for position in positions:
        row = int(batch.rows[position])
        for view in range(2):
            other = logits[1 - view][position]
            prediction = softmax(other, sorted(range(len(other)), key=lambda c: -other[c])[:3])
            w, y = float(confidence[row]), labels[row]
            wanted = [w * (c == y) + (1 - w) * p for c, p in enumerate(prediction)]
            found = softmax(logits[view][position])
            losses.append(-sum(t * math.log(p) for t, p in zip(wanted, found, strict=True) if t))
    return sum(losses) / len(losses)


def test_people_are_clusters_and_labels_have_a_confidence(intra_targets, person):
    for modality, rows in (("visible", slice(24)), ("infrared", slice(24, 48))):
        labels = intra_targets.arrays[modality][rows]
        assert len({(a, b) for a, b in zip(labels, person[rows], strict=True)}) == 4
    confidence = intra_targets.arrays["confidence"]
    assert confidence.shape == (48,)
    assert 0 <= confidence.min() < confidence.max() <= 1
    assert intra_targets.metrics["confidence"] == pytest.approx(confidence.mean())


def test_the_contrast_equals_the_loops(intra, intra_targets, batch):
    intra_targets.arrays["confidence"][INTRA_ROWS] = np.linspace(0, 1, len(INTRA_ROWS))
    (step,) = intra.optimizer_steps(intra_targets, Epoch(0, 2))
    memories, views = memories_of(intra_targets), batch(INTRA_ROWS)
    found = step.loss(views, memories, {})
    for modality, positions in (("visible", range(4)), ("infrared", range(4, 8))):
        arguments = (
            memories[modality],
            intra_targets.arrays[modality],
            intra_targets.arrays["confidence"],
            positions,
        )
        assert float(found[modality]) == pytest.approx(intra_by_loops(views, *arguments), rel=1e-6)
    assert step.wants_raw
    assert set(found) == {"visible", "infrared", "discrepancy"}


def test_both_views_move_the_memory_of_their_modality(intra, intra_targets, batch):
    memories, before, views = memories_of(intra_targets), memories_of(intra_targets), batch([0, 24])
    intra.optimizer_steps(intra_targets, Epoch(0, 2))[0].update(views, memories)
    for position, modality in enumerate(("visible", "infrared")):
        label = intra_targets.arrays[modality][int(views.rows[position])]
        moved = 0.2 * before[modality][label] + 0.8 * views.features[:, position].mean(dim=0)
        torch.testing.assert_close(memories[modality][label], moved / moved.norm())
        others = torch.arange(len(before[modality])) != label
        assert torch.equal(memories[modality][others], before[modality][others])


def test_a_batch_holds_clusters_of_both_modalities(intra, intra_targets):
    rows = intra.optimizer_steps(intra_targets, Epoch(0, 2))[0].sampler(5, np.random.default_rng(0))
    assert rows.shape == (5, 12)
    assert (rows[:, :6] < 24).all()
    assert (rows[:, 6:] >= 24).all()


@pytest.mark.parametrize("renormalise", [False, True])
def test_the_second_stage_may_take_unit_features_whatever_the_clustering_says(context, features, renormalise):
    class Watched(LocalRefresher):
        def set_features(self, features):
            lengths.append(np.linalg.norm(features, axis=1))
            super().set_features(features)

    raw = {m: spec.with_values(renormalise=False) for m, spec in context.clustering.items()}
    stage = CrossStage(
        replace(context, clustering=raw), CrossParams(**QUIET, renormalise=renormalise), Parts()
    )
    lengths: list = []
    short = features * np.linspace(0.8, 1, len(features), dtype=np.float32)[:, None, None]
    targets = stage.refresh(short, None, Watched(context.tracklets), Epoch(0, 2), np.random.default_rng(0))
    assert (np.abs(np.concatenate(lengths) - 1).max() < 1e-5) == renormalise
    assert np.linalg.norm(targets.memories["joint"], axis=1) == pytest.approx(1, abs=1e-5)
