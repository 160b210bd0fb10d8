import math

import pytest
import torch

from raydist.losses.discrepancy import maximum_mean_discrepancy


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_loops(first, second):
    rows, count = [*first.tolist(), *second.tolist()], len(first)

    def distance(u, v):
        return sum((a - b) ** 2 for a, b in zip(u, v, strict=True))

    pairs = [(i, j) for i in range(2 * count) for j in range(2 * count) if i != j]
    bandwidth = sum(distance(rows[i], rows[j]) for i, j in pairs) / len(pairs)

    def kernel(u, v):
        return sum(math.exp(-distance(u, v) / (bandwidth * 2 ** (k - 2))) for k in range(5))

    within = sum(kernel(rows[i], rows[j]) for i, j in pairs if (i < count) == (j < count)) / (
        count * (count - 1)
    )
    across = sum(kernel(u, v) for u in rows[:count] for v in rows[count:]) / count**2
    return within - 2 * across


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_loops(seed):
    first, second = normal(6, 3, seed=seed), 0.5 + normal(6, 3, seed=seed + 10)
    assert float(maximum_mean_discrepancy(first, second)) == pytest.approx(by_loops(first, second))


def test_the_gradient_is_that_under_a_fixed_bandwidth():
    """Finite differences would move the bandwidth, through which no gradient is to flow."""
    first, second = normal(4, 3).requires_grad_(), (0.5 + normal(4, 3, seed=1)).requires_grad_()
    rows = torch.cat([first, second]).detach()
    bandwidth = float((rows[:, None] - rows).square().sum()) / 56

    def kernels(u, v):
        distance = (u[:, None] - v).square().sum(dim=2)
        return sum(torch.exp(-distance / (bandwidth * 2 ** (k - 2))) for k in range(5)).sum()

    fixed = kernels(first, first) / 12 + kernels(second, second) / 12 - kernels(first, second) / 8
    found = torch.autograd.grad(maximum_mean_discrepancy(first, second), (first, second))
    torch.testing.assert_close(found, torch.autograd.grad(fixed, (first, second)))


def test_it_grows_with_the_gap_and_is_zero_on_average_without_one():
    values = [
        float(maximum_mean_discrepancy(normal(40, 2), gap + normal(40, 2, seed=1))) for gap in (0.0, 1.0, 3.0)
    ]
    assert values == sorted(values)
    same = torch.stack(
        [maximum_mean_discrepancy(normal(8, 2, seed=s), normal(8, 2, seed=s + 500)) for s in range(200)]
    )
    assert (same < 0).any()
    assert abs(float(same.mean())) < 3 * float(same.std()) / math.sqrt(200)


def test_equal_views_are_closer_than_chance():
    first = normal(5, 3)
    assert float(maximum_mean_discrepancy(first, first)) < 0


def test_scale_shift_and_order_do_not_matter():
    first, second = normal(6, 3), 1 + normal(6, 3, seed=1)
    expected = maximum_mean_discrepancy(first, second)
    torch.testing.assert_close(maximum_mean_discrepancy(9 * first + 2, 9 * second + 2), expected)
    torch.testing.assert_close(maximum_mean_discrepancy(second.flip(0), first), expected)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_nothing_to_compare_is_a_finite_value_with_a_graph(count):
    first, second = (torch.ones(count, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    loss = maximum_mean_discrepancy(first, second)
    loss.backward()
    assert loss.isfinite()
    assert first.grad.isfinite().all()
