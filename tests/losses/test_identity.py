import math

import pytest
import torch

from raydist.losses.identity import identity_loss
from raydist.types import UNKNOWN_IDENTITY


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_equals_the_loops(smoothing):
    logits, identities = normal(4, 3), [2, UNKNOWN_IDENTITY, 0, 1]
    losses = []
    for z, y in zip(logits.tolist(), identities, strict=True):
        if y != UNKNOWN_IDENTITY:
            total = math.log(sum(math.exp(value) for value in z))
            target = [smoothing / 3 + (1 - smoothing) * (c == y) for c in range(3)]
            losses.append(sum(-share * (value - total) for share, value in zip(target, z, strict=True)))
    assert float(identity_loss(logits, torch.tensor(identities), smoothing=smoothing)) == pytest.approx(
        sum(losses) / 3
    )


def test_gradient():
    identities = torch.tensor([2, UNKNOWN_IDENTITY, 0, 1])
    assert torch.autograd.gradcheck(lambda z: identity_loss(z, identities), normal(4, 3).requires_grad_())


@pytest.mark.parametrize("identities", [[], [UNKNOWN_IDENTITY]])
def test_nobody_known_is_a_zero_with_a_graph(identities):
    logits = normal(len(identities), 3).requires_grad_()
    loss = identity_loss(logits, torch.tensor(identities, dtype=torch.int64))
    loss.backward()
    assert float(loss.detach()) == 0
    assert (logits.grad == 0).all()
