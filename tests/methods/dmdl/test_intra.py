import math

import numpy as np
import pytest
import torch

from raydist.engine.refresher import LocalRefresher
from raydist.methods.dmdl.intra import IntraParams, IntraStage
from raydist.methods.dmdl.views import Parts

ROWS = [0, 1, 6, 7, 24, 25, 30, 42]


@pytest.fixture
def stage(context):
    made = IntraStage(context, IntraParams(exchange_from=0.0, triplet=(), trusted_below=2), Parts())
    made.epochs = 2
    return made


@pytest.fixture
def targets(stage, context, features):
    return stage.refresh(features, None, LocalRefresher(context.tracklets), 0, np.random.default_rng(0))


def memories_of(targets):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in targets.memories.items()}


def softmax(values, chosen=None):
    kept = range(len(values)) if chosen is None else chosen
    total = sum(math.exp(values[c]) for c in kept)
    return [math.exp(v) / total if c in kept else 0.0 for c, v in enumerate(values)]


def by_loops(batch, memory, labels, confidence, positions):
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


def test_people_are_clusters_and_labels_have_a_confidence(targets, person):
    for modality, rows in (("visible", slice(24)), ("infrared", slice(24, 48))):
        labels = targets.arrays[modality][rows]
        assert len({(a, b) for a, b in zip(labels, person[rows], strict=True)}) == 4
    confidence = targets.arrays["confidence"]
    assert confidence.shape == (48,)
    assert 0 <= confidence.min() < confidence.max() <= 1
    assert targets.metrics["confidence"] == pytest.approx(confidence.mean())


def test_the_contrast_equals_the_loops(stage, targets, batch):
    targets.arrays["confidence"][ROWS] = np.linspace(0, 1, len(ROWS))
    (step,) = stage.optimizer_steps(targets, 0)
    memories, views = memories_of(targets), batch(ROWS)
    found = step.loss(views, memories, {})
    for modality, positions in (("visible", range(4)), ("infrared", range(4, 8))):
        arguments = memories[modality], targets.arrays[modality], targets.arrays["confidence"], positions
        assert float(found[modality]) == pytest.approx(by_loops(views, *arguments), rel=1e-6)
    assert step.wants_raw
    assert set(found) == {"visible", "infrared", "discrepancy"}


def test_both_views_move_the_memory_of_their_modality(stage, targets, batch):
    memories, before, views = memories_of(targets), memories_of(targets), batch([0, 24])
    stage.optimizer_steps(targets, 0)[0].update(views, memories)
    for position, modality in enumerate(("visible", "infrared")):
        label = targets.arrays[modality][int(views.rows[position])]
        moved = 0.2 * before[modality][label] + 0.8 * views.features[:, position].mean(dim=0)
        torch.testing.assert_close(memories[modality][label], moved / moved.norm())
        others = torch.arange(len(before[modality])) != label
        assert torch.equal(memories[modality][others], before[modality][others])


def test_a_batch_holds_clusters_of_both_modalities(stage, targets):
    rows = stage.optimizer_steps(targets, 0)[0].sampler(5, np.random.default_rng(0))
    assert rows.shape == (5, 12)
    assert (rows[:, :6] < 24).all()
    assert (rows[:, 6:] >= 24).all()
