import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from raydist.data.transforms.published import (
    ADAPTIVE_GREY,
    BASE,
    JITTERED_ADAPTIVE_GREY,
    JITTERED_EXCHANGE,
)
from raydist.engine.local_features import LocalFeatures
from raydist.losses.hybrid import hybrid_contrast
from raydist.methods.bmil.stages import (
    HybridContrastParams,
    HybridContrastStage,
    JointContrastParams,
    JointContrastStage,
)
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality

T = 0.05
JOINT = {"k1": 6, "k2": 1}


def refreshed(stage, features, seed=0):
    return stage.refresh(
        LocalFeatures(features, stage.context.tracklets), None, Epoch(0), np.random.default_rng(seed)
    )


def joint_stage(context, subset=1.0, **params):
    return JointContrastStage(context, JointContrastParams(**{**JOINT, **params}), subset)


def some_batch(features, rows):
    """Two views of visible clips and one of infrared ones, near the features of their tracklets."""
    x = torch.from_numpy(features[rows, 0]) + 0.3 * torch.randn(
        2, len(rows), 4, generator=torch.Generator().manual_seed(0)
    )
    x = F.normalize(x, dim=2)
    x[1, rows >= 6] = 0
    return Batch(x, torch.from_numpy(rows), shows=[None, Modality.VISIBLE])


def clips_of(batch, modality):
    """(row, feature) of all clips of a modality, one view after the other."""
    views = batch.features if modality == Modality.VISIBLE else batch.features[:1]
    return [
        (row, x)
        for view in views
        for row, x in zip(batch.rows.tolist(), view, strict=True)
        if (row >= 6) == (modality == Modality.INFRARED)
    ]


def memories_of(targets):
    return {name: torch.tensor(value) for name, value in targets.memories.items()}


def test_each_modality_is_clustered_and_has_two_equal_rows_a_cluster(context, features):
    targets = refreshed(HybridContrastStage(context, HybridContrastParams(), 1.0), features)
    assert targets.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert targets.clustered.all()
    for m in Modality:
        memory = targets.memories[m.label]
        assert memory.shape == (4, 4)
        assert np.array_equal(memory[:2], memory[2:])
        expected = [features[6 * m + 3 * c : 6 * m + 3 * c + 3, 0].mean(axis=0) for c in range(2)]
        assert np.allclose(memory[:2], [e / np.linalg.norm(e) for e in expected], atol=1e-6)


def test_the_joint_clusters_see_the_visible_tracklets_that_the_others_do_not(context, features):
    alone = context.clustering[Modality.VISIBLE].with_values(min_samples=1)
    context, seen = replace(context, clustering=dict.fromkeys(Modality, alone)), []
    for seed in range(6):
        within = refreshed(HybridContrastStage(context, HybridContrastParams(), 2 / 3), features, seed)
        joint = refreshed(joint_stage(context, 2 / 3), features, seed)
        first, second = within.clustered, joint.clustered
        visible = context.tracklets.modality == Modality.VISIBLE
        assert (first[visible].sum(), second[visible].sum()) == (4, 2)
        assert (first[visible] ^ second[visible]).all()
        assert first[~visible].all()
        assert second[~visible].all()
        assert (within.labels[~first] == NOISE).all()
        assert (joint.labels[~second] == NOISE).all()
        assert np.array_equal(joint.arrays["visible"], within.arrays["visible"])
        seen.append(tuple(np.flatnonzero(first)))
    assert len(set(seen)) > 1


def test_people_of_both_modalities_share_a_cluster_and_have_two_proxies(context, features):
    targets = refreshed(joint_stage(context), features)
    assert targets.labels.tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]
    assert targets.arrays["proxies"].tolist() == [0, 0, 0, 2, 2, 2, 1, 1, 1, 3, 3, 3]
    assert targets.arrays["cluster"].tolist() == [0, 0, 1, 1]
    assert targets.memories["joint"].shape == (8, 4)
    assert targets.metrics == {"joint_clusters": 2, "joint_mixed": 1.0, "joint_prototypes": 4}


def test_the_joint_term_is_that_of_the_definition(context, features):
    stage = joint_stage(context, candidates=3)
    targets = refreshed(stage, features)
    memories, batch = memories_of(targets), some_batch(features, np.array([0, 4, 5, 6, 11]))
    memories["joint"] = F.normalize(
        memories["joint"] + 0.2 * torch.randn(8, 4, generator=torch.Generator().manual_seed(1))
    )
    _, step = stage.optimizer_steps(targets, Epoch(0))
    proxies, cluster = targets.arrays["proxies"], targets.arrays["cluster"]
    of_modality = {m: [] for m in Modality}
    for modality in Modality:
        for row, clip in clips_of(batch, modality):
            halves = []
            for half in (memories["joint"][:4], memories["joint"][4:]):
                z = (half @ clip / T).tolist()
                own = [q for q in range(4) if cluster[q] == cluster[proxies[row]]]
                hardest = max(z[q] for q in range(4) if q not in own)
                total = math.log(sum(math.exp(z[q]) for q in own) + math.exp(hardest))
                halves.append(-sum(z[q] - total for q in own) / len(own))
            of_modality[modality].append(sum(halves) / 2)
    expected = sum(np.mean(losses) for losses in of_modality.values()) / 2
    assert float(step.loss(batch, memories, {})["joint"]) == pytest.approx(expected, rel=1e-4)


def test_with_every_cluster_mixed_the_joint_term_is_log_two_or_more(context, features):
    stage = joint_stage(context)
    targets = refreshed(stage, features)
    _, step = stage.optimizer_steps(targets, Epoch(0))
    batch = Batch(torch.from_numpy(features[:, 0])[None], torch.arange(12))
    found = float(step.loss(batch, memories_of(targets), {})["joint"])
    assert math.log(2) <= found < math.log(2) + 0.05


def test_the_terms_within_are_hybrid_contrasts_of_all_versions(context, features):
    stage = joint_stage(context)
    targets = refreshed(stage, features)
    memories, batch = memories_of(targets), some_batch(features, np.arange(12))
    within, _ = stage.optimizer_steps(targets, Epoch(0))
    found = within.loss(batch, memories, {})
    for m in Modality:
        x = torch.stack([clip for _, clip in clips_of(batch, m)])
        labels, memory = torch.tensor([0, 0, 0, 1, 1, 1] * (2 - m)), memories[m.label]
        expected = hybrid_contrast(x, labels, memory[:2], memory[2:], temperature=T, margin=0.2)
        assert float(found[m.label]) == pytest.approx(float(expected), rel=1e-5)


def test_a_step_moves_its_own_memories_by_all_versions(context, features):
    stage = joint_stage(context, momentum=0.0)
    targets = refreshed(stage, features)
    within, joint = stage.optimizer_steps(targets, Epoch(0))
    near, far = F.normalize(torch.tensor([[0.9, 0, 0, 0.4], [0.2, 0, 0, 1]]))
    batch = Batch(torch.stack([near, far])[:, None], torch.tensor([7]))
    for step, name, rows in ((within, "infrared", (0, 2)), (joint, "joint", (1, 5))):
        memories, before = memories_of(targets), memories_of(targets)
        step.update(batch, memories)
        expected = before[name].clone()
        expected[list(rows)] = torch.stack([F.normalize(near + far, dim=0), far])
        assert torch.allclose(memories[name], expected, atol=1e-6)
        assert all(torch.equal(memories[other], before[other]) for other in before if other != name)


def test_one_joint_memory_for_both_modalities(context, features):
    stage = joint_stage(context, contrast="whole")
    targets = refreshed(stage, features)
    assert np.array_equal(targets.arrays["proxies"], targets.labels)
    memories, batch = memories_of(targets), some_batch(features, np.arange(12))
    _, step = stage.optimizer_steps(targets, Epoch(0))
    memory, terms = memories["joint"], []
    assert memory.shape == (4, 4)
    for m in Modality:
        x = torch.stack([clip for _, clip in clips_of(batch, m)])
        labels = torch.tensor([0, 0, 0, 1, 1, 1] * (2 - m))
        terms.append(float(hybrid_contrast(x, labels, memory[:2], memory[2:], temperature=T, margin=0.2)))
    assert float(step.loss(batch, memories, {})["joint"]) == pytest.approx(np.mean(terms), rel=1e-5)


def test_without_joint_clusters_there_is_one_step_and_no_joint_memory(context, features):
    stage = joint_stage(context, contrast="none")
    targets = refreshed(stage, features)
    assert targets.memories.keys() == {"visible", "infrared"}
    assert len(stage.optimizer_steps(targets, Epoch(0))) == 1


def test_both_steps_draw_as_much_of_each_modality_and_no_noise(context, features):
    stray = features.copy()
    stray[[2, 9]] = [[[0, 0, 0, 1]]]
    stage = joint_stage(context, min_samples=3)
    targets = refreshed(stage, stray)
    assert (targets.labels[[2, 9]] == NOISE).all()
    for step in stage.optimizer_steps(targets, Epoch(0)):
        rows = step.sampler(20, np.random.default_rng(0))
        assert rows.shape == (20, 8)
        assert (context.tracklets.modality[rows] == np.repeat([0, 1], 4)).all()
        assert not np.isin(rows, [2, 9]).any()


@pytest.mark.parametrize("jitter", [False, True])
def test_visible_clips_have_two_views_and_infrared_clips_one(context, features, jitter):
    stage = joint_stage(context, infrared_jitter=jitter)
    for step in stage.optimizer_steps(refreshed(stage, features), Epoch(0)):
        first, second = step.clip_views
        assert (first.shows, second.shows) == (None, Modality.VISIBLE)
        assert first.augment[Modality.VISIBLE] == BASE
        assert second.augment[Modality.VISIBLE] == JITTERED_EXCHANGE
        expected = JITTERED_ADAPTIVE_GREY if jitter else ADAPTIVE_GREY
        assert first.augment[Modality.INFRARED] == expected


def moved_by_loop(memory, clips, momentum):
    """The hybrid rule, one class after the other, in plain numbers."""
    half, after = len(memory) // 2, [list(row) for row in memory.tolist()]
    for label in sorted({label for label, _ in clips if label != NOISE}):
        own = [x.tolist() for other, x in clips if other == label]
        likeness = [sum(a * b for a, b in zip(x, memory[label].tolist(), strict=True)) for x in own]
        mean = [sum(values) / len(own) for values in zip(*own, strict=True)]
        for row, target in ((label, mean), (half + label, own[likeness.index(min(likeness))])):
            new = [momentum * a + (1 - momentum) * b for a, b in zip(after[row], target, strict=True)]
            length = math.sqrt(sum(a * a for a in new))
            after[row] = [a / length for a in new]
    return torch.tensor(after)


@pytest.mark.parametrize("contrast", ["split", "whole"])
def test_every_memory_moves_as_in_the_loop_the_visible_clips_first(context, features, contrast):
    """Repeated labels, both views, both modalities; and noise, which moves nothing."""
    stage = joint_stage(context, contrast=contrast, min_samples=3)
    stray = features.copy()
    stray[[2, 9]] = [[[0, 0, 0, 1]]]
    targets = refreshed(stage, stray)
    batch = some_batch(stray, np.array([0, 1, 0, 2, 4, 6, 7, 6, 9, 11]))
    within, joint = stage.optimizer_steps(targets, Epoch(0))
    memories, before = memories_of(targets), memories_of(targets)
    within.update(batch, memories)
    assert torch.equal(memories["joint"], before["joint"])
    for m in Modality:
        clips = [(targets.arrays[m.label][row], x) for row, x in clips_of(batch, m)]
        torch.testing.assert_close(memories[m.label], moved_by_loop(before[m.label], clips, 0.1))
    joint.update(batch, memories)
    expected = before["joint"]
    for m in Modality:
        clips = [(targets.arrays["proxies"][row], x) for row, x in clips_of(batch, m)]
        expected = moved_by_loop(expected, clips, 0.1)
    assert not torch.equal(memories["joint"], before["joint"])
    torch.testing.assert_close(memories["joint"], expected)
