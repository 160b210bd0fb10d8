import math

import pytest
import torch

from raydist.losses.contrastive import soft_cross_entropy
from raydist.losses.divergence import LEAST, divergence_from_targets, symmetric_divergence


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_loops(first, second):
    def softmax(row):
        total = sum(math.exp(value - max(row)) for value in row)
        return [max(LEAST, math.exp(value - max(row)) / total) for value in row]

    total = 0.0
    for p, q in zip(map(softmax, first.tolist()), map(softmax, second.tolist()), strict=True):
        there = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
        back = sum(b * math.log(b / a) for a, b in zip(p, q, strict=True))
        total += (there + back) / 2
    return total / len(first)


@pytest.mark.parametrize("scale", [1.0, 10.0, 300.0])
def test_equals_the_loops_in_either_order(scale):
    first, second = scale * normal(5, 4), scale * normal(5, 4, seed=1)
    expected = by_loops(first, second)
    assert float(symmetric_divergence(first, second)) == pytest.approx(expected)
    assert float(symmetric_divergence(second, first)) == pytest.approx(expected)


def test_gradients_flow_into_both():
    pair = normal(3, 4).requires_grad_(), normal(3, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(symmetric_divergence, pair)


def test_equal_predictions_are_not_apart_whatever_is_added():
    logits = normal(3, 4)
    assert float(symmetric_divergence(logits, logits + 7)) == pytest.approx(0, abs=1e-12)


def test_opposite_certainties_are_a_finite_distance_apart():
    first = torch.tensor([[1000.0, 0.0]], requires_grad=True)
    loss = symmetric_divergence(first, first.detach().flip(1))
    assert float(loss.detach()) == pytest.approx(-math.log(LEAST), rel=1e-5)
    loss.backward()
    assert first.grad.isfinite().all()


def test_an_empty_batch_is_zero_with_a_graph():
    first = torch.zeros(0, 3, requires_grad=True)
    loss = symmetric_divergence(first, torch.zeros(0, 3))
    loss.backward()
    assert float(loss.detach()) == 0


def divergence_by_loops(logits, targets, weights):
    total = 0.0
    for z, q, w in zip(logits.tolist(), targets.tolist(), weights.tolist(), strict=True):
        norm = math.log(sum(math.exp(v) for v in z))
        total += w * sum(t * (math.log(t) - (v - norm)) for v, t in zip(z, q, strict=True) if t > 0)
    return total / sum(weights.tolist())


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_divergence_of_a_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(6, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    q = torch.rand(6, 5, generator=generator, dtype=torch.float64)
    q[q < 0.4] = 0
    q[0] = torch.eye(5)[1]
    q /= q.sum(dim=1, keepdim=True)
    for w in (torch.rand(6, generator=generator, dtype=torch.float64), None):
        value = divergence_from_targets(z, q, weights=w)
        weights = torch.ones(6) if w is None else w
        assert float(value.detach()) == pytest.approx(divergence_by_loops(z.detach(), q, weights))
        (slope,) = torch.autograd.grad(value, z)
        (of_entropy,) = torch.autograd.grad(soft_cross_entropy(z, q, weights=w), z)
        torch.testing.assert_close(slope, of_entropy)


def test_it_is_zero_where_predictions_are_the_targets():
    z = torch.randn(4, 3, dtype=torch.float64)
    assert float(divergence_from_targets(z, z.softmax(dim=1))) == pytest.approx(0, abs=1e-12)


def test_no_target_is_zero_with_a_graph():
    empty = torch.zeros(0, 3, requires_grad=True)
    value = divergence_from_targets(empty, torch.zeros(0, 3))
    value.backward()
    assert value == 0
    unweighted = divergence_from_targets(torch.zeros(2, 3), torch.full((2, 3), 1 / 3), weights=torch.zeros(2))
    assert unweighted == 0
