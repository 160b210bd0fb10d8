import math

import pytest
import torch

from raydist.losses.hybrid import hybrid_contrast
from raydist.types import NOISE

T, MARGIN = 0.3, 0.2
LABELS = torch.tensor([0, NOISE, 3, 1, 1])


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(*shape, seed=0):
    return torch.nn.functional.normalize(normal(*shape, seed=seed))


def loop_contrast(features, prototypes):
    losses = []
    for x, y in zip(features, LABELS.tolist(), strict=True):
        if y != NOISE:
            odds = [math.exp(float(x @ m / x.norm()) / T) for m in prototypes]
            losses.append(-math.log(odds[y] / sum(odds)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("margin", [0.0, 0.2, 100.0])
def test_it_equals_the_loops(margin):
    features, mean, hard = normal(5, 4), unit(4, 4, seed=1), unit(4, 4, seed=2)
    found = hybrid_contrast(features, LABELS, mean, hard, temperature=T, margin=margin)
    expected = (loop_contrast(features, hard) + max(0.0, loop_contrast(features, mean) - margin)) / 2
    assert float(found) == pytest.approx(expected)


def test_gradient():
    features, mean, hard = normal(5, 4).requires_grad_(), unit(4, 4, seed=1), unit(4, 4, seed=2)
    assert torch.autograd.gradcheck(
        lambda x: hybrid_contrast(x, LABELS, mean, hard, temperature=T, margin=MARGIN), features
    )


def test_what_is_good_enough_for_the_mean_rows_teaches_nothing_more():
    mean = torch.eye(4).double()
    features, labels = mean.clone().requires_grad_(), torch.arange(4)
    flat = torch.zeros(4, 4).double()  # hard rows that say nothing
    loss = hybrid_contrast(features, labels, mean, flat, temperature=0.1, margin=MARGIN)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(math.log(4) / 2)
    assert (features.grad == 0).all()


def test_noise_alone_is_a_zero_with_a_graph():
    features = normal(3, 4).requires_grad_()
    loss = hybrid_contrast(
        features, torch.full((3,), NOISE), unit(2, 4), unit(2, 4), temperature=T, margin=MARGIN
    )
    loss.backward()
    assert float(loss.detach()) == 0
    assert (features.grad == 0).all()
