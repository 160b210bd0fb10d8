from dataclasses import replace

import numpy as np
import pytest

from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.engine.local_features import LocalFeatures
from raydist.errors import ClusteringError
from raydist.methods.schedule import Epoch
from raydist.methods.sdcl.stages import (
    OwnContrastParams,
    OwnContrastStage,
    SharedContrastParams,
    SharedContrastStage,
)
from raydist.types import NOISE, Modality
from tests.methods.hil.test_baseline import FIRST, clips_of, cross_entropy, in_turn, neighbour_oracle, unit


@pytest.fixture
def own(two_branches):
    return lambda **params: OwnContrastStage(two_branches, OwnContrastParams(**params))


@pytest.fixture
def shared(two_branches):
    return lambda **params: SharedContrastStage(two_branches, SharedContrastParams(**params))


@pytest.fixture
def refreshed(deep_and_shallow):
    """The targets of a stage, and how each modality was clustered for them; the third visible tracklet is in
    no cluster."""

    def run(stage, index=0, count=9):
        specs = {}

        class Watched(LocalFeatures):
            def cluster(self, rows, spec):
                visible = rows[0] == 0
                specs[Modality.VISIBLE if visible else Modality.INFRARED] = spec
                return Clustering(np.array([0, 0, NOISE if visible else 0, 1, 1, 1]), 2)

        features = Watched(deep_and_shallow, stage.context.tracklets)
        return stage.refresh(features, None, Epoch(index, count), np.random.default_rng(0)), specs

    return run


def test_before_the_shared_labels_each_modality_has_its_own(own, refreshed, two_branches):
    targets, specs = refreshed(own())
    assert specs == dict(two_branches.clustering)
    assert targets.labels.tolist() == [0, 0, NOISE, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert sorted(targets.memories) == ["infrared-0", "infrared-1", "visible-0", "visible-1"]
    assert sorted(targets.slots) == [f"slots-{m}-{b}" for m in ("infrared", "visible") for b in (0, 1)]


def test_shared_labels_are_those_of_the_infrared_clusters(shared, refreshed, deep_and_shallow):
    """The visible outlier gets a label, and is in the prototypes, but it is not trained on."""
    targets, _ = refreshed(shared(ranking=3, voters=1))
    assert targets.labels.tolist() == [0, 0, NOISE, 1, 1, 1, 0, 0, 0, 1, 1, 1]
    assert targets.metrics == {"selected": 1.0}
    assert sorted(targets.memories) == ["shared-0", "shared-1"]
    means = np.array([unit(m) for m in deep_and_shallow.astype(np.float64).mean(axis=1)])
    for b in (0, 1):
        part = np.array([unit(m) for m in means[:, 4 * b : 4 * b + 4]])
        expected = [
            unit(part[[3 * c + i + j for i in (0, 6) for j in range(3)]].mean(axis=0)) for c in (0, 1)
        ]
        np.testing.assert_allclose(targets.memories[f"shared-{b}"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("finer", "spec", "expected"),
    [
        (0.5, ClusterSpec(k1=30, k2=1, min_samples=2), {"k1": 15}),
        (1.0, ClusterSpec(k1=30, k2=1, min_samples=2), {"k1": 30}),
        (0.5, ClusterSpec("camera-aware", k1_intra=3, k1_inter=8), {"k1_intra": 2, "k1_inter": 4}),
    ],
)
def test_with_shared_labels_visible_clusters_are_finer(
    shared, refreshed, two_branches, finer, spec, expected
):
    context = replace(two_branches, clustering=dict.fromkeys(Modality, spec))
    stage = replace(shared(finer=finer, ranking=3, voters=1), context=context)
    specs = refreshed(stage)[1]
    assert specs[Modality.INFRARED] == spec
    assert specs[Modality.VISIBLE] == spec.with_values(**expected)


def cluster_oracle(batch, memories, labels, names):
    """The sum over modalities and branches of the mean cross entropy over the clips that have a label."""
    total = 0.0
    for modality, name in names.items():
        for b in (0, 1):
            memory = memories[f"{name}-{b}"].numpy()
            terms = [
                cross_entropy(x[b], memory, labels[modality][row], 0.05)
                for row, x in clips_of(batch, modality)
                if labels[modality][row] != NOISE
            ]
            total += np.mean(terms)
    return total


@pytest.mark.parametrize(("epoch", "source", "factor"), [(4, "visible", 0.1), (5, "infrared", 1.0)])
@pytest.mark.parametrize("late", [False, True])
def test_the_terms_equal_the_loops(own, shared, refreshed, batch, doubles, epoch, source, factor, late):
    """L = L_nce + 1 L_in + .5 L_x, and with shared labels L_nce + .1 L_in + .1 L_x."""
    stage = shared(ranking=3, voters=1) if late else own()
    targets, _ = refreshed(stage, epoch)
    memories = doubles(targets)
    (step,) = stage.optimizer_steps(targets, Epoch(epoch, 9))
    terms = step.loss(batch, memories, {})
    names = dict.fromkeys(FIRST, "shared") if late else {m: m for m in FIRST}
    expected = cluster_oracle(batch, memories, {m: targets.arrays[m] for m in FIRST}, names)
    assert float(terms["cluster"]) == pytest.approx(expected)
    weight_within, weight_across = (0.1, 0.1) if late else (1.0, 0.5)
    within = sum(neighbour_oracle(batch, memories, m, m) for m in FIRST)
    assert float(terms["near_within"]) == pytest.approx(weight_within * within)
    across = neighbour_oracle(batch, memories, source, Modality.parse(source).other.label)
    assert float(terms["near_across"]) == pytest.approx(weight_across * factor * across)


def test_clips_of_both_modalities_move_the_shared_memory_one_after_the_other(
    shared, refreshed, two_branches, batch, doubles
):
    stage = replace(shared(ranking=3, voters=1), context=replace(two_branches, memory_rule="in-turn"))
    targets, _ = refreshed(stage)
    memories = doubles(targets)
    before = {f"shared-{b}": memories[f"shared-{b}"].clone() for b in (0, 1)}
    slots = {name: each.table.clone() for name, each in memories.slots.items()}
    (step,) = stage.optimizer_steps(targets, Epoch(0, 9))
    assert step.wants_raw
    step.update(batch, memories)
    for b in (0, 1):
        clips = [(targets.labels[row], x[b]) for m in FIRST for row, x in clips_of(batch, m)]
        expected = in_turn(before[f"shared-{b}"], clips, 0.1)
        np.testing.assert_allclose(memories[f"shared-{b}"].numpy(), expected, atol=1e-9)
        for m, first in FIRST.items():
            clips = [(row - first, x[b]) for row, x in clips_of(batch, m, raw=True)]
            expected = in_turn(slots[f"slots-{m}-{b}"], clips, 0.9)
            np.testing.assert_allclose(memories.slots[f"slots-{m}-{b}"].table.numpy(), expected, atol=1e-9)


def test_where_no_visible_tracklet_has_a_label_the_error_says_what_to_do(shared, mostly_noise):
    with pytest.raises(
        ClusteringError, match=r"lower method\.shared\.ranking = 6, raise method\.own\.share, or"
    ):
        shared(ranking=6).refresh(mostly_noise, None, Epoch(0, 2), np.random.default_rng(0))
