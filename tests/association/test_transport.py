import numpy as np
import pytest

from raydist.association.transport import sinkhorn
from raydist.errors import ConfigError, DataError


def oracle(similarity, rows, columns, temperature, num_iterations):
    """Sinkhorn's scaling, as it is written down."""
    kernel = np.exp(similarity / temperature)
    r, c = rows / rows.sum(), columns / columns.sum()
    a = np.ones(len(r))
    for _ in range(num_iterations):
        b = np.array([c[k] / sum(kernel[i, k] * a[i] for i in range(len(r))) for k in range(len(c))])
        a = np.array([r[i] / sum(kernel[i, k] * b[k] for k in range(len(c))) for i in range(len(r))])
    plan = a[:, None] * kernel * b
    return plan / plan.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (1, 3), (3, 1)])
@pytest.mark.parametrize("num_iterations", [1, 5, 30])
def test_the_plan_is_that_of_the_plain_scaling(shape, num_iterations):
    rng = np.random.default_rng(sum(shape))
    similarity, rows, columns = (
        rng.standard_normal(shape),
        rng.random(shape[0]) + 0.1,
        rng.random(shape[1]) + 0.1,
    )
    found = sinkhorn(similarity, rows=rows, columns=columns, temperature=0.3, num_iterations=num_iterations)
    assert np.allclose(found, oracle(similarity, rows, columns, 0.3, num_iterations), atol=1e-12)


def test_a_known_plan():
    cost = np.array([[0.1, 0.9], [0.2, 0.7], [0.3, 0.5], [0.35, 0.4]])
    known = [[0.2232, 0.0268], [0.1625, 0.0874], [0.0733, 0.1767], [0.0410, 0.2090]]
    found = sinkhorn(-cost, rows=np.ones(4), columns=np.ones(2), temperature=1 / 5)
    assert np.allclose(found / 4, known, atol=1.5e-4)
    sharp = sinkhorn(-cost, rows=np.ones(4), columns=np.ones(2), temperature=1 / 25)
    assert sharp.argmax(axis=1).tolist() == [0, 0, 1, 1]
    assert cost.argmin(axis=1).tolist() == [0, 0, 0, 0]


def test_rows_sum_to_one_and_columns_take_their_share():
    rng = np.random.default_rng(0)
    columns = np.array([1.0, 2.0, 3.0, 6.0])
    found = sinkhorn(
        rng.standard_normal((60, 4)), rows=np.ones(60), columns=columns, temperature=0.5, num_iterations=200
    )
    assert np.allclose(found.sum(axis=1), 1, atol=1e-12)
    assert np.allclose(found.sum(axis=0), 60 * columns / 12, atol=1e-6)


def test_rows_may_be_shifted_and_everything_renumbered():
    rng = np.random.default_rng(1)
    similarity, columns = rng.standard_normal((9, 5)), rng.random(5) + 0.5
    found = sinkhorn(similarity, rows=np.ones(9), columns=columns, temperature=0.2)
    shifted = sinkhorn(
        similarity + rng.standard_normal((9, 1)), rows=np.ones(9), columns=columns, temperature=0.2
    )
    assert np.allclose(shifted, found, atol=1e-9)
    i, k = rng.permutation(9), rng.permutation(5)
    again = sinkhorn(similarity[np.ix_(i, k)], rows=np.ones(9), columns=columns[k], temperature=0.2)
    assert np.allclose(again, found[np.ix_(i, k)], atol=1e-12)


def test_sharp_plans_stay_finite():
    similarity = np.array([[1.0, -1.0], [1.0, -1.0], [1.0, 0.5]])
    found = sinkhorn(similarity, rows=np.ones(3), columns=np.ones(2), temperature=1e-3)
    assert np.isfinite(found).all()
    assert np.allclose(found.sum(axis=1), 1)


def test_bad_input_is_refused():
    square = np.zeros((2, 2))
    with pytest.raises(DataError, match="3 row"):
        sinkhorn(square, rows=np.ones(3), columns=np.ones(2), temperature=1.0)
    with pytest.raises(DataError, match="zero or negative"):
        sinkhorn(square, rows=np.ones(2), columns=np.array([1.0, 0.0]), temperature=1.0)
    with pytest.raises(ConfigError, match="temperature 0"):
        sinkhorn(square, rows=np.ones(2), columns=np.ones(2), temperature=0)
    with pytest.raises(ConfigError, match="0 iterations"):
        sinkhorn(square, rows=np.ones(2), columns=np.ones(2), temperature=1, num_iterations=0)
