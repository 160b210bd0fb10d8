import math

import pytest
import torch

from raydist.losses.exchange import exchanged_targets, top_predictions


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def top_by_loops(row, top):
    best = sorted(range(len(row)), key=lambda c: -row[c])[:top]
    total = sum(math.exp(row[c]) for c in best)
    return [math.exp(row[c]) / total if c in best else 0.0 for c in range(len(row))]


@pytest.mark.parametrize("top", [1, 3, 9])
def test_targets_equal_the_loops(top):
    logits, labels = 5 * normal(2, 4, 5), torch.tensor([0, 4, 2, 2])
    confidence = torch.tensor([1.0, 0.3, 0.0, 0.8], dtype=torch.float64)
    found = exchanged_targets(logits, labels, confidence, top=top)
    for view in range(2):
        for b, (y, w) in enumerate(zip(labels.tolist(), confidence.tolist(), strict=True)):
            other = top_by_loops(logits[1 - view, b].tolist(), top)
            expected = [w * (c == y) + (1 - w) * p for c, p in enumerate(other)]
            assert found[view, b].tolist() == pytest.approx(expected)
    torch.testing.assert_close(found.sum(dim=-1), torch.ones(2, 4).double())


def test_predictions_are_a_constant():
    logits = normal(2, 3, 4).requires_grad_()
    found = exchanged_targets(logits, torch.tensor([0, 1, 2]), torch.full((3,), 0.5), top=2)
    assert not found.requires_grad
    assert not top_predictions(logits, top=2).requires_grad


def test_certain_labels_stay_hard():
    found = exchanged_targets(normal(2, 3, 4), torch.tensor([3, 0, 1]), torch.ones(3), top=2)
    assert found[0].argmax(dim=1).tolist() == found[1].argmax(dim=1).tolist() == [3, 0, 1]
    assert (found.amax(dim=2) == 1).all()
