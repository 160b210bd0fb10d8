import math

import numpy as np
import pytest

from raydist.neighbours.search.exact import CHAINS, chained_dot, exact_dot, exact_products, hash_rows


def slow_dot(x, y):
    """The order of summation in words: chain c adds up the products at c, c + 64, ...; then halves are added
    to halves."""
    chains = [0.0] * CHAINS
    for q, (a, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        chains[q % CHAINS] += a * b
    while len(chains) > 1:
        half = len(chains) // 2
        chains = [a + b for a, b in zip(chains[:half], chains[half:], strict=True)]
    return chains[0]


@pytest.mark.parametrize("width", [0, 1, 3, 63, 64, 65, 128, 200, 2048])
def test_the_order_of_summation_is_fixed(width):
    rng = np.random.default_rng(width)
    x, y = rng.standard_normal((2, width)).astype(np.float32)
    assert exact_dot(x, y) == exact_dot(y, x) == slow_dot(x, y) == chained_dot(x, y, np.full(CHAINS, np.nan))
    assert exact_dot(x, y) == pytest.approx(
        math.fsum(float(a) * float(b) for a, b in zip(x, y, strict=True)), abs=1e-12
    )


def test_products_are_those_of_single_rows():
    x = np.random.default_rng(0).standard_normal((40, 70)).astype(np.float32)
    left, right, table = np.array([3, 3, 7]), np.arange(39, 2, -1), np.empty((3, 37))
    exact_products(x, left, x, right, table)
    assert table.tolist() == [[slow_dot(x[i], x[j]) for j in right] for i in left]


def test_equal_rows_share_their_hash_and_others_do_not():
    x = np.random.default_rng(1).standard_normal((500, 8)).astype(np.float32)
    hashes = hash_rows(np.concatenate((x, x)), np.arange(1000))
    assert np.array_equal(hashes[:500], hashes[500:])
    assert len(np.unique(hashes)) == 500
