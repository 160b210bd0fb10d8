from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.engine.local_features import LocalFeatures
from raydist.methods.method import Targets
from raydist.methods.pgm.stages import CrossArrays, CrossContrastParams, CrossContrastStage, match
from raydist.methods.schedule import Epoch
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality


@pytest.fixture
def stage(context):
    return CrossContrastStage(context, CrossContrastParams(weight=1.0))


@pytest.fixture
def targets(stage, context, features):
    return stage.refresh(LocalFeatures(features, context.tracklets), None, Epoch(0), np.random.default_rng(0))


def test_clusters_of_one_person_are_partners(targets):
    assert targets.arrays["across"].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]


def test_the_partners_of_infrared_tracklets_are_diagnosed(targets):
    assert targets.diagnosis.assignment.tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("epoch", "source", "memory"), [(0, slice(0, 6), "infrared"), (1, slice(6, 12), "visible")]
)
def test_the_direction_alternates(stage, targets, features, epoch, source, memory):
    (optimizer_step,) = stage.optimizer_steps(targets, Epoch(epoch))
    x = torch.from_numpy(features[:, 0])
    memories = {name: torch.tensor(value) for name, value in targets.memories.items()}
    found = optimizer_step.loss(Batch(x[None], torch.arange(12)), memories, {})["cross"]
    logits = x[source] @ memories[memory].T / stage.params.temperature
    labels = torch.from_numpy(targets.arrays["across"])[source]
    assert torch.allclose(found, torch.nn.functional.cross_entropy(logits, labels), rtol=1e-5)


def loop_of_calls(memories, calls, momentum, rule):
    """Every call of a memory in the order of the published backward pass, sample by sample."""
    for name, samples in calls:
        memory = memories[name]
        if rule == "hardest":
            chosen = {}
            for x, c in samples:
                s = float(x @ memory[c])
                if c not in chosen or s < chosen[c][0]:
                    chosen[c] = (s, x)
            samples = [(x, c) for c, (_, x) in chosen.items()]
        for x, c in samples:
            memory[c] = torch.nn.functional.normalize(momentum * memory[c] + (1 - momentum) * x, dim=0)


@pytest.mark.parametrize("rule", ["hardest", "in-turn"])
@pytest.mark.parametrize("epoch", [0, 1])
@pytest.mark.parametrize("cross_updates", [False, True])
def test_the_cross_term_moves_the_memory_across_first(context, targets, rule, epoch, cross_updates):
    params = CrossContrastParams(hardest=rule == "hardest", cross_updates=cross_updates)
    stage = CrossContrastStage(replace(context, memory_rule="in-turn"), params)
    (step,) = stage.optimizer_steps(targets, Epoch(epoch))
    rows = torch.tensor([0, 3, 1, 0, 6, 9, 10, 6])  # labels come more than once
    x = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(epoch))
    x = torch.nn.functional.normalize(x, dim=-1)
    views = {"visible": x[:, :4].flatten(0, 1), "infrared": x[0, 4:]}
    labels = {"visible": [0, 1, 0, 0] * 2, "infrared": [0, 1, 1, 0]}
    source, target = ("visible", "infrared") if epoch == 0 else ("infrared", "visible")
    own = [(name, list(zip(views[name], labels[name], strict=True))) for name in ("visible", "infrared")]
    cross = [(target, list(zip(views[source], labels[source], strict=True)))]
    memories, expected = ({k: torch.tensor(v) for k, v in targets.memories.items()} for _ in range(2))
    step.update(Batch(x, rows, shows=[None, Modality.VISIBLE]), memories)
    loop_of_calls(expected, (cross if cross_updates else []) + own, params.momentum, rule)
    for name, memory in memories.items():
        torch.testing.assert_close(memory, expected[name])


def matched_clusters(num_clusters, width, rng):
    """Unit centroids of both modalities, those of a pair alike, and everything else far apart."""
    shared = rng.normal(size=(num_clusters, width))
    sides = [shared + 1.9 * rng.normal(size=shared.shape) for _ in Modality]
    return [torch.tensor(x / np.linalg.norm(x, axis=1, keepdims=True)).float() for x in sides]


def test_one_step_on_sixteen_matched_clusters_draws_the_memories_together(context):
    visible, infrared = matched_clusters(40, 256, np.random.default_rng(0))
    labels = np.arange(40)
    none = np.full(40, NOISE)
    arrays = CrossArrays(
        visible=np.r_[labels, none], infrared=np.r_[none, labels], across=np.r_[labels, labels]
    )
    targets = Targets(
        np.arange(80), arrays.pack(), {"visible": visible.numpy(), "infrared": infrared.numpy()}
    )
    rows = torch.tensor([*range(8), *range(40 + 8, 40 + 24)])  # 8 visible and 16 other infrared clusters
    x = torch.cat([visible, infrared])[rows][None]
    moved = {}
    for cross_updates in (False, True):
        stage = CrossContrastStage(context, CrossContrastParams(cross_updates=cross_updates))
        (step,) = stage.optimizer_steps(targets, Epoch(1))
        memories = {"visible": visible.clone(), "infrared": infrared.clone()}
        step.update(Batch(x, rows), memories)
        moved[cross_updates] = memories["visible"]
        assert torch.allclose(memories["infrared"], infrared)
    cosine = {key: (memory * infrared)[8:24].sum(1).mean() for key, memory in moved.items()}
    assert cosine[False] == pytest.approx(0.22, abs=0.03)
    assert cosine[True] > 0.9
    far = {key: (memory - visible).abs().max(1).values > 1e-3 for key, memory in moved.items()}
    assert [int(of.sum()) for of in far.values()] == [0, 16]


@pytest.mark.parametrize("unequal", ["swap", "skip"])
def test_an_epoch_without_partners_has_no_cross_term(stage, targets, unequal):
    nobody = replace(targets, arrays={**targets.arrays, "across": np.full(12, NOISE)})
    (step,) = stage.optimizer_steps(nobody, Epoch(0))
    memories = {k: torch.tensor(v) for k, v in targets.memories.items()}
    assert step.loss(Batch(torch.eye(12, 4)[None], torch.arange(12)), memories, {})["cross"] == 0
    matching = match(*(targets.memories[m.label] for m in Modality), unequal=unequal)
    assert all((partner >= 0).all() for partner in matching)
