import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from raydist.clustering.spec import ClusterSpec
from raydist.engine.local_features import LocalFeatures
from raydist.losses.triplet import batch_hard_triplet
from raydist.methods.dmdl.cross import CrossParams, CrossStage
from raydist.methods.dmdl.label_space import label_space
from raydist.methods.dmdl.views import Parts
from raydist.methods.schedule import Epoch
from raydist.types import NOISE, Modality, tracklet_means

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
        LocalFeatures(features, None).means(), {Modality.VISIBLE: visible, Modality.INFRARED: infrared}, 4
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
    class Watched(LocalFeatures):
        def cluster(self, rows, spec):
            specs[Modality(int(context.tracklets.modality[rows[0]]))] = spec
            return super().cluster(rows, spec)

    specs = {}
    made = cross(finer=0.5).refresh(
        Watched(features, context.tracklets), None, Epoch(epoch, 4), np.random.default_rng(0)
    )
    assert label_space(epoch) == space
    assert (specs[space].k1, specs[space.other].k1) == (6, 3)
    assert len({(a, b) for a, b in zip(made.labels, person, strict=True) if a != NOISE}) == 4


REPEATED_ROWS = [0, 1, 2, 6, 7, 3, 24, 30, 25, 31, 26, 42]


def moved_in_turn(row, x, eta):
    moved = eta * row + (1 - eta) * x
    return moved / moved.norm()


def published_update(targets, views, memories, epoch):
    """The published order: M_all in the forward pass, infrared first; M_V and M_I in the backward pass, which
    comes to the visible samples first. In even epochs visible samples move M_I too, in odd ones infrared
    samples M_V. View after view, one sample after the other."""
    before = {name: memory.clone() for name, memory in memories.items()}
    visible, infrared = range(6), range(6, 12)
    for positions in (infrared, visible):
        for view in range(2):
            for p in positions:
                y = targets.labels[int(views.rows[p])]
                eta = 0.2 / max(soft_label(targets, before, views, p, view)[y], 0.2)
                memories["joint"][y] = moved_in_turn(memories["joint"][y], views.features[view, p], eta)
    calls = [("infrared", visible), ("visible", visible), ("infrared", infrared)]
    if epoch % 2:
        calls = [("visible", visible), ("infrared", infrared), ("visible", infrared)]
    for name, positions in calls:
        for view in range(2):
            for p in positions:
                y = targets.labels[int(views.rows[p])]
                memories[name][y] = moved_in_turn(memories[name][y], views.features[view, p], 0.2)


def published_means(targets, views, memories, epoch):
    """The same samples, but one move of each row by their mean."""
    before = {name: memory.clone() for name, memory in memories.items()}
    samples = {(name, c): [] for name in memories for c in range(4)}
    for p, row in enumerate(views.rows.tolist()):
        own = "visible" if row < 24 else "infrared"
        y = targets.labels[row]
        for view in range(2):
            x = views.features[view, p]
            eta = 0.2 / max(soft_label(targets, before, views, p, view)[y], 0.2)
            samples["joint", y].append(eta * before["joint"][y] + (1 - eta) * x)
            for name in {own, "visible" if epoch % 2 else "infrared"}:
                samples[name, y].append(0.2 * before[name][y] + 0.8 * x)
    for (name, c), each in samples.items():
        if each:
            memories[name][c] = torch.nn.functional.normalize(torch.stack(each).mean(dim=0), dim=0)


@pytest.mark.parametrize(("rule", "expected"), [("in-turn", published_update), ("mean", published_means)])
@pytest.mark.parametrize("epoch", [0, 1])
def test_memories_move_as_the_published_calls_move_them(cross, targets, batch, rule, expected, epoch):
    """Labels come again, in both views and both modalities; the labels are trusted more or less."""
    infrared_only = 3
    views, made = batch(REPEATED_ROWS), cross()
    made = replace(made, context=replace(made.context, memory_rule=rule))
    if epoch % 2:  # the space is that of the visible clusters: infrared labels are among them
        for labels in (targets.labels, targets.arrays["infrared"]):
            labels[labels == infrared_only] = 2
    targets.arrays["confidence"][REPEATED_ROWS] = np.linspace(0, 1, len(REPEATED_ROWS))
    memories, loops = memories_of(targets), memories_of(targets)
    made.optimizer_steps(targets, Epoch(epoch, 4))[0].update(views, memories)
    expected(targets, views, loops, epoch)
    for name, memory in memories.items():
        torch.testing.assert_close(memory, loops[name], rtol=1e-6, atol=1e-7)
        assert not torch.equal(memory, memories_of(targets)[name])


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
    for pairing, same in (("shared-only", True), ("union-filled", False)):
        paired = cross(paired_from=0.5, pairing=pairing).optimizer_steps(targets, Epoch(2, 4))[0]
        rows = paired.sampler(20, np.random.default_rng(0))
        visible, infrared = targets.labels[rows[:, :6]], targets.labels[rows[:, 6:]]
        assert np.array_equal(visible, infrared) == same
        assert ((visible == infrared) | (infrared == 3)).all()
    rows = early.sampler(20, np.random.default_rng(0))
    assert not np.array_equal(targets.labels[rows[:, :6]], targets.labels[rows[:, 6:]])


def nearest_labels_by_loops(means, labels, space):
    """Each row of the other modality takes the label of the row of `space` that it is most similar to."""
    own, taken = (24, 48) if space == Modality.INFRARED else (0, 24), {}
    for row in range(48):
        if not own[0] <= row < own[1]:
            best = max(range(*own), key=lambda other: float(means[row] @ means[other]))
            taken[row] = int(labels[best])
    return taken


@pytest.mark.parametrize(("epoch", "by_sample"), [(0, False), (1, False), (2, True), (3, True), (4, True)])
def test_labels_are_taken_over_sample_by_sample_in_their_epochs(cross, context, features, epoch, by_sample):
    """Sample by sample a row may become noise, and rows of one cluster may part."""
    stray = features.copy()
    alone = np.eye(8, dtype=np.float32)[6:]
    stray[[5, 40]] = alone[:, None]  # noise of each modality
    stray[[29, 17]] += 1.1 * alone[:, None]  # in a cluster of the other one, nearest to that noise
    local, spec = LocalFeatures(stray, context.tracklets), ClusterSpec(k1=4, k2=1, eps=0.6, min_samples=3)
    stage = cross(sample_match=(2, 3, 4))
    stage = replace(stage, context=replace(context, clustering=dict.fromkeys(Modality, spec)))
    made = stage.refresh(local, None, Epoch(epoch, 50), np.random.default_rng(0))
    space = label_space(epoch)
    labels, other = (made.arrays[m.label] for m in (space, space.other))
    expected = nearest_labels_by_loops(tracklet_means(stray), labels, space)
    assert (labels[list(expected)] == NOISE).all()
    assert ({row: int(other[row]) for row in expected} == expected) == by_sample
    assert (other[[row for row in range(48) if row not in expected]] == NOISE).all()
    if by_sample:
        assert NOISE in expected.values()


@pytest.mark.parametrize("mixtures", ["per-cluster", "global"])
def test_labels_of_both_modalities_are_trusted_by_the_mixtures_asked_for(
    cross, context, features, person, mixtures
):
    labels = {m: np.where(context.tracklets.modality == m, person, NOISE) for m in Modality}
    labels[Modality.VISIBLE][3] = labels[Modality.INFRARED][30] = NOISE
    means = tracklet_means(features)
    made = cross(confidence=mixtures).targets(LocalFeatures(features, None).means(), labels, 4)
    joint = np.maximum(*labels.values())
    losses = []
    for x, y in zip(means.astype(np.float64), joint, strict=True):
        q = softmax([float(x @ m) / 0.05 for m in made.memories["joint"].astype(np.float64)])
        losses.append([-q[y]])  # that of the last class for noise
    losses = (np.array(losses) - min(losses)) / (max(losses)[0] - min(losses)[0])
    expected = np.zeros(48)
    for chosen in [joint != NOISE] if mixtures == "global" else [joint == c for c in range(4)]:
        values = losses if mixtures == "global" else losses[chosen]
        mixture = GaussianMixture(2, random_state=0).fit(values)
        expected[chosen] = mixture.predict_proba(losses[chosen])[:, mixture.means_[:, 0].argmin()]
    assert np.allclose(made.arrays["confidence"], expected, atol=1e-4)


@pytest.mark.parametrize("renormalise", [False, True])
def test_the_second_stage_may_take_unit_features_whatever_the_clustering_says(context, features, renormalise):
    class Watched(LocalFeatures):
        def cluster(self, rows, spec):
            lengths.append(np.linalg.norm(self.part(0, len(self))[:, 0], axis=1))
            return super().cluster(rows, spec)

    raw = {m: spec.with_values(renormalise=False) for m, spec in context.clustering.items()}
    stage = CrossStage(
        replace(context, clustering=raw), CrossParams(**QUIET, renormalise=renormalise), Parts()
    )
    lengths: list = []
    short = features * np.linspace(0.8, 1, len(features), dtype=np.float32)[:, None, None]
    targets = stage.refresh(Watched(short, context.tracklets), None, Epoch(0, 2), np.random.default_rng(0))
    assert (np.abs(np.concatenate(lengths) - 1).max() < 1e-5) == renormalise
    assert np.linalg.norm(targets.memories["joint"], axis=1) == pytest.approx(1, abs=1e-5)
