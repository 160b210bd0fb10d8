from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.data.transforms.augment import BASIC
from raydist.engine.local_features import LocalFeatures
from raydist.engine.schema import method_params
from raydist.errors import ConfigError
from raydist.methods.common.clip_views import TONES
from raydist.methods.common.warm_up import likely_pieces
from raydist.methods.hitpro.prototyping import tracklet_prototypes
from raydist.methods.hitpro.stages import HierarchicalParams, HierarchicalStage
from raydist.methods.schedule import Epoch
from raydist.methods.slots import Slots
from raydist.methods.steps import Batch, Memories
from raydist.types import NOISE, Modality

AT_ONCE = {"within_from": 0, "across_from": 0, "ignore_from": 0, "ramp": 1}


@pytest.fixture
def stage(context):
    return lambda **params: HierarchicalStage(context, HierarchicalParams(**{**AT_ONCE, **params}))


@pytest.fixture
def refreshed(context, features):
    """The targets of an epoch on planted people."""

    def run(stage, epoch=0, previous=None, noise=0.5, seed=0):
        parts = features(noise=noise, seed=seed)
        return stage.refresh(
            LocalFeatures(parts, context.tracklets), previous, Epoch(epoch), np.random.default_rng(0)
        )

    return run


def prototypes_of(targets):
    _, prototypes = targets.slots["prototypes"].part(0, len(targets.labels))
    return prototypes


def loss_of(stage, targets, batch, epoch=0):
    (optimizer_step,) = stage.optimizer_steps(targets, Epoch(epoch))
    memories = Memories(slots={"prototypes": Slots(torch.tensor(prototypes_of(targets)).double())})
    return {name: float(term) for name, term in optimizer_step.loss(batch, memories, {}).items()}


def batch_of(rows, num_versions=2, num_frames=4, width=16, seed=0):
    x = torch.from_numpy(
        np.random.default_rng(seed).standard_normal((num_versions, len(rows), num_frames + 1, width))
    )
    x = torch.nn.functional.normalize(x, dim=-1)
    return Batch(x[:, :, 0], torch.tensor(rows), x[:, :, 1:])


def oracle(targets, tracklets, batch, epoch_alpha=0.5, temperature=0.07, num_hard=50):
    """The terms of the loss, one clip and one prototype after another."""
    p = prototypes_of(targets).astype(np.float64)
    within, across, ignored = (targets.arrays[name].toarray() for name in ("within", "across", "ignored"))
    view, modality = tracklets.view, tracklets.modality

    def apart(z, i):
        rivals = [j for j in range(len(p)) if j == i or (view[j] == view[i] and not ignored[i, j])]
        score = {j: np.exp(z @ p[j] / temperature) for j in rivals}
        return -np.log(score[i] / sum(score.values()))

    def drawn(z, i, weights, eligible):
        positives = np.flatnonzero(weights[i])
        if not len(positives):
            return None
        kin = {k for j in positives for k in np.flatnonzero(ignored[j])} | set(positives)
        score = np.exp(p @ z / temperature)
        hard = sorted((score[j] for j in range(len(p)) if eligible(i, j) and j not in kin), reverse=True)[
            :num_hard
        ]
        total = sum(hard) + score[positives].sum()
        return -sum(weights[i, j] / weights[i, positives].sum() * np.log(score[j] / total) for j in positives)

    def mean(values):
        return np.mean([v for v in values if v is not None])

    rows, clips, frames = batch.rows.tolist(), batch.features.numpy(), batch.frames.numpy()
    half = frames.shape[2] // 2
    first = sum(rows) % frames.shape[2]
    pairs = [(clip[b], i) for clip in clips for b, i in enumerate(rows)]
    return {
        "camera": mean(apart(z, i) for z, i in pairs),
        "within": epoch_alpha
        * mean(
            drawn(z, i, within, lambda i, j: modality[i] == modality[j] and view[i] != view[j])
            for z, i in pairs
        ),
        "across": epoch_alpha
        * mean(drawn(z, i, across, lambda i, j: modality[i] != modality[j]) for z, i in pairs),
        "frame": 0.2
        * mean(
            apart(clip[b, t % (2 * half)], i)
            for clip in frames
            for b, i in enumerate(rows)
            for t in (first, first + half)
        ),
    }


@pytest.mark.parametrize("num_hard", [3, 50])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_level_is_that_of_its_definition(stage, refreshed, context, seed, num_hard):
    stage = stage(num_hard=num_hard, ignore_slack=0.9)
    targets, batch = (
        refreshed(stage, seed=seed, noise=0.8),
        batch_of([0, 7, 33, 45, 59, 33, 12, 20], seed=seed),
    )
    assert targets.arrays["ignored"].nnz > 0
    expected = oracle(targets, context.tracklets, batch, num_hard=num_hard)
    found = loss_of(stage, targets, batch)
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_targets_hold_what_the_log_reads(stage, refreshed, tracklets, features):
    targets = refreshed(stage())
    assert (targets.labels == NOISE).all()
    assert np.allclose(prototypes_of(targets), tracklet_prototypes(features(noise=0.5)))
    for name in ("within", "across", "ignored"):
        assert targets.arrays[name].shape == (60, 60)
    assert targets.diagnosis.links_within is targets.arrays["within"]
    assert targets.diagnosis.links_across is targets.arrays["across"]
    assert targets.metrics["links_within"] == targets.arrays["within"].nnz > 0
    assert {"kappa", "alpha_within", "threshold_across", "consistency", "ignored_pairs"} <= set(
        targets.metrics
    )


def test_each_level_begins_in_its_epoch(stage, refreshed):
    stage = stage(within_from=1, across_from=3, ramp=2)
    batch, links, terms, alphas = batch_of([0, 40]), [], [], []
    for epoch in range(5):
        targets = refreshed(stage, epoch)
        links.append((targets.arrays["within"].nnz > 0, targets.arrays["across"].nnz > 0))
        terms.append(set(loss_of(stage, targets, batch, epoch)) - {"camera", "frame"})
        alphas.append((targets.metrics["alpha_within"], targets.metrics["alpha_across"]))
    assert links == [(False, False), (True, False), (True, False), (True, True), (True, True)]
    assert terms == [set(), {"within"}, {"within"}, {"within", "across"}, {"within", "across"}]
    assert alphas == [(0, 0), (0.25, 0), (0.5, 0), (0.5, 0.25), (0.5, 0.5)]


def test_strictness_falls_in_a_line():
    params = HierarchicalParams(within_from=2, across_from=4, kappa_epochs=4)
    assert [params.kappa(epoch) for epoch in range(8)] == [0.5, 0.5, 0.5, 0.25, 0.0, -0.25, -0.5, -0.5]


@pytest.mark.parametrize(
    ("levels", "terms"), [(1, {"camera"}), (2, {"camera", "within"}), (3, {"camera", "within", "across"})]
)
def test_levels_can_be_left_out(stage, refreshed, levels, terms):
    stage = stage(levels=levels, weight_frame=0.0)
    (optimizer_step,) = stage.optimizer_steps(refreshed(stage), Epoch(0))
    assert not optimizer_step.wants_frames
    assert set(loss_of(stage, refreshed(stage), replace(batch_of([0, 40]), frames=None))) == terms


def test_the_switches_reach_their_places(context, stage, refreshed):
    uniform = refreshed(stage(soft=False), noise=1.0).arrays["within"]
    assert (uniform.data == 1).mean() > 0.5
    assert (refreshed(stage(), noise=1.0).arrays["within"].data < 1).all()
    assert (
        refreshed(stage(votes=3), noise=1.0).metrics["links_across"]
        < refreshed(stage(), noise=1.0).metrics["links_across"]
    )
    clip_views = [
        stage(tones=tones).optimizer_steps(refreshed(stage()), Epoch(0))[0].clip_views
        for tones in (True, False)
    ]
    assert [clip_view.sub_tracklet for clip_view in clip_views[0]] == [0, 1]
    assert [clip_view.augment for clip_view in clip_views[0]] == [dict.fromkeys(Modality, BASIC), TONES]
    assert [clip_view.augment for clip_view in clip_views[1]] == 2 * [dict.fromkeys(Modality, BASIC)]


def test_likely_pieces_are_ignored_unless_switched_off(context, tracklets, features):
    alike = np.repeat(features(noise=0.3)[:, :1], 2, axis=1)
    alike[1] = alike[0]
    params = HierarchicalParams(**AT_ONCE)
    with_graph, without = (
        HierarchicalStage(context, params, ignore).refresh(
            LocalFeatures(alike, tracklets), None, Epoch(0), np.random.default_rng(0)
        )
        for ignore in (True, False)
    )
    expected = likely_pieces(LocalFeatures(alike, tracklets), tracklets.view, params, wanted=True)
    assert np.array_equal(with_graph.arrays["ignored"].toarray(), expected.toarray())
    assert with_graph.arrays["ignored"][0, 1]
    assert without.arrays["ignored"].nnz == 0
    batch = batch_of([0, 1])
    stage = HierarchicalStage(context, params)
    assert loss_of(stage, with_graph, batch)["camera"] < loss_of(stage, without, batch)["camera"]


def test_thresholds_go_on_from_the_epoch_before(stage, refreshed):
    stage = stage(kappa_first=0.0, kappa_last=0.0)
    first, second = refreshed(stage, 0), refreshed(stage, 1, seed=1)
    after = refreshed(stage, 1, previous=first, seed=1)
    mean = 0.5 * first.arrays["thresholds"][0, 1] + 0.5 * second.arrays["thresholds"][0, 1]
    assert after.arrays["thresholds"][0, 1] == pytest.approx(mean)


def test_a_prototype_moves_towards_its_clip(stage, refreshed):
    targets = refreshed(stage())
    memory, batch = torch.from_numpy(prototypes_of(targets).copy()), batch_of([5, 50])
    stage().optimizer_steps(targets, Epoch(0))[0].update(batch, Memories(slots={"prototypes": Slots(memory)}))
    moved = 0.8 * prototypes_of(targets)[5] + 0.2 * batch.features[0, 0].numpy()
    assert np.allclose(memory[5], moved / np.linalg.norm(moved), atol=1e-6)
    assert np.array_equal(
        np.delete(memory, [5, 50], axis=0), np.delete(prototypes_of(targets), [5, 50], axis=0)
    )


def test_a_batch_holds_both_modalities_and_several_views(stage, refreshed, tracklets):
    rows = stage().optimizer_steps(refreshed(stage()), Epoch(0))[0].sampler(10, np.random.default_rng(0))
    assert rows.shape == (10, 12)
    assert (tracklets.modality[rows].sum(axis=1) == 6).all()
    assert min(len(np.unique(tracklets.view[batch])) for batch in rows) >= 4


def test_the_modalities_cannot_come_first():
    with pytest.raises(ConfigError, match="across_from = 3 is before within_from = 5"):
        method_params({"name": "hitpro", "hierarchical": {"across_from": 3}})
