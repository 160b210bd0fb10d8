import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.engine.local_features import LocalFeatures
from raydist.methods.dmdl.intra import IntraParams, IntraStage
from raydist.methods.dmdl.views import Parts
from raydist.methods.schedule import Epoch

INTRA_ROWS = [0, 1, 6, 7, 24, 25, 30, 42]


def memories_of(targets):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in targets.memories.items()}


def softmax(values, chosen=None):
    chosen = range(len(values)) if chosen is None else chosen
    total = sum(math.exp(values[c]) for c in chosen)
    return [math.exp(v) / total if c in chosen else 0.0 for c, v in enumerate(values)]


@pytest.fixture
def intra(context):
    return IntraStage(context, IntraParams(exchange_from=0.0, triplet=()), Parts())


@pytest.fixture
def intra_targets(intra, context, features):
    return intra.refresh(
        LocalFeatures(features, context.tracklets), None, Epoch(0, 2), np.random.default_rng(0)
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


@pytest.mark.parametrize("rule", ["mean", "in-turn"])
def test_both_views_move_the_memory_of_their_modality(intra, intra_targets, batch, rule):
    """Labels come again: in turn, view after view, the last sample counts most."""
    rows = [0, 1, 6, 24, 30, 25]
    memories, expected, views = memories_of(intra_targets), memories_of(intra_targets), batch(rows)
    made = replace(intra, context=replace(intra.context, memory_rule=rule))
    made.optimizer_steps(intra_targets, Epoch(0, 2))[0].update(views, memories)
    for modality, positions in (("visible", range(3)), ("infrared", range(3, 6))):
        samples = [(views.features[v, p], rows[p]) for v in range(2) for p in positions]
        labels = [int(intra_targets.arrays[modality][row]) for _, row in samples]
        memory, before = expected[modality], expected[modality].clone()
        for label in set(labels):
            own = [x for (x, _), y in zip(samples, labels, strict=True) if y == label]
            for x in own if rule == "in-turn" else [torch.stack(own).mean(dim=0)]:
                moved = 0.2 * memory[label] + 0.8 * x
                memory[label] = moved / moved.norm()
        torch.testing.assert_close(memories[modality], memory)
        assert not torch.equal(memory, before)


def test_a_batch_holds_clusters_of_both_modalities(intra, intra_targets):
    rows = intra.optimizer_steps(intra_targets, Epoch(0, 2))[0].sampler(5, np.random.default_rng(0))
    assert rows.shape == (5, 12)
    assert (rows[:, :6] < 24).all()
    assert (rows[:, 6:] >= 24).all()
