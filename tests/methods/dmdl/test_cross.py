import math

import numpy as np
import pytest
import torch

from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.engine.refresher import LocalRefresher
from raydist.losses.triplet import batch_hard_triplet
from raydist.methods.common.clusters import ModalityClusters, tracklet_means
from raydist.methods.dmdl.cross import (
    CrossParams,
    CrossStage,
    known_centroids,
    label_space,
    unified_labels,
    with_finer,
)
from raydist.methods.dmdl.views import Parts
from raydist.types import NOISE, Modality

ROWS = [0, 1, 6, 7, 24, 30, 31]
QUIET = {"exchange_from": 0.0, "triplet": (), "trusted_below": 2, "paired_from": 1.0, "finer": 1.0}


@pytest.fixture
def stage(context):
    def make(parts=None, **params):
        made = CrossStage(context, CrossParams(**{**QUIET, **params}), parts or Parts())
        made.epochs = 4
        return made

    return make


@pytest.fixture
def targets(stage, features, person):
    """Labels in one space of four classes, of which the visible lack the last; some confidence."""
    visible = np.where((np.arange(48) < 24) & (person < 3), person, NOISE)
    infrared = np.where(np.arange(48) >= 24, person, NOISE)
    made = stage().targets(
        tracklet_means(features), {Modality.VISIBLE: visible, Modality.INFRARED: infrared}, 4
    )
    made.arrays["confidence"][ROWS] = np.linspace(0, 1, len(ROWS))
    return made


def memories_of(targets):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in targets.memories.items()}


def softmax(values, chosen):
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


def by_loops(targets, views, *, cai, top):
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
def test_the_likelihoods_equal_the_loops(stage, targets, batch, cai, top):
    (step,) = stage(Parts(cai=cai, feature=False), top=top).optimizer_steps(targets, 0)
    views = batch(ROWS)
    found = {name: float(value) for name, value in step.loss(views, memories_of(targets), {}).items()}
    assert found == pytest.approx(by_loops(targets, views, cai=cai, top=top), rel=1e-5)


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
    assert np.array_equal(targets.arrays["assignment"][:24], np.full(24, NOISE))


@pytest.mark.parametrize(
    ("epoch", "space"), [(0, Modality.INFRARED), (1, Modality.VISIBLE), (2, Modality.INFRARED)]
)
def test_the_modality_whose_turn_it_is_gives_the_classes_and_the_other_is_finer(
    stage, context, features, person, epoch, space
):
    class Watched(LocalRefresher):
        def cluster(self, rows, spec):
            specs[Modality(int(context.tracklets.modality[rows[0]]))] = spec
            return super().cluster(rows, spec)

    specs = {}
    made = stage(finer=0.5).refresh(
        features, None, Watched(context.tracklets), epoch, np.random.default_rng(0)
    )
    assert label_space(epoch) == space
    assert (specs[space].k1, specs[space.other].k1) == (6, 3)
    assert len({(a, b) for a, b in zip(made.labels, person, strict=True) if a != NOISE}) == 4


def test_every_count_of_neighbours_is_halved():
    spec = ClusterSpec(k1=31, k1_intra=5, k1_inter=20, k2=6)
    found = with_finer(dict.fromkeys(Modality, spec), Modality.INFRARED, 0.5)
    assert found[Modality.VISIBLE] == spec
    assert [getattr(found[Modality.INFRARED], name) for name in ("k1", "k1_intra", "k1_inter", "k2")] == [
        16,
        3,
        10,
        6,
    ]


def test_pieces_of_a_person_are_one_class_and_a_class_may_be_nobodys():
    x = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 1, 0, 2]]
    rows = {Modality.VISIBLE: np.arange(4), Modality.INFRARED: np.arange(4, 7)}
    of = {Modality.VISIBLE: np.array([0, 1, 2, -1]), Modality.INFRARED: np.array([0, 1, 2])}
    clusters = ModalityClusters({m: Clustering(labels, None) for m, labels in of.items()}, rows)
    infrared = unified_labels(x, clusters, Modality.INFRARED)
    assert infrared[Modality.VISIBLE].tolist() == [1, 1, 0, NOISE, NOISE, NOISE, NOISE]
    assert infrared[Modality.INFRARED].tolist() == [NOISE] * 4 + [0, 1, 2]
    visible = unified_labels(x, clusters, Modality.VISIBLE)
    assert visible[Modality.VISIBLE].tolist() == [0, 1, 2, NOISE, NOISE, NOISE, NOISE]
    assert visible[Modality.INFRARED].tolist() == [NOISE] * 4 + [2, 0, 0]


@pytest.mark.parametrize("epoch", [0, 1])
def test_memories_move_as_the_paper_says(stage, targets, batch, epoch):
    """A visible and an infrared clip of person 0: both move the memory of the space, each moves its own."""
    views, made = batch([0, 24]), stage()
    targets.arrays["confidence"][[0, 24]] = 0.1, 0.9
    memories, before = memories_of(targets), memories_of(targets)
    made.optimizer_steps(targets, epoch)[0].update(views, memories)
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


def test_a_label_that_nobody_believes_leaves_the_joint_row(stage, targets, batch):
    views, memories = batch([0, 24]), memories_of(targets)
    targets.labels[[0, 24]] = targets.arrays["visible"][0] = targets.arrays["infrared"][24] = 1
    targets.arrays["confidence"][[0, 24]] = 0.1
    before = memories["joint"].clone()
    stage().optimizer_steps(targets, 0)[0].update(views, memories)
    assert torch.equal(memories["joint"], before)


def test_late_in_the_stage_both_modalities_show_the_same_people_and_meet_in_triplets(stage, targets, batch):
    made = stage(paired_from=0.5)
    early, late = (made.optimizer_steps(targets, epoch)[0] for epoch in (1, 2))
    views = batch(ROWS)
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


def test_centroids_of_classes_that_are_not_there_are_zero():
    x = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    assert known_centroids(x, np.array([2, 0, NOISE]), 4).tolist() == [[0, 1], [0, 0], [1, 0], [0, 0]]
