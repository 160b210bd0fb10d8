import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.association import transport
from raydist.association.transport import sinkhorn
from raydist.errors import ConfigError, DataError


def plan(similarity, **words):
    """The plan of a whole table."""
    entries = (similarity.ravel(), np.indices(similarity.shape)[1].ravel())
    starts = np.arange(len(similarity) + 1) * similarity.shape[1]
    return sinkhorn(csr_array((*entries, starts), shape=similarity.shape), **words).toarray()


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
    found = plan(similarity, rows=rows, columns=columns, temperature=0.3, num_iterations=num_iterations)
    assert np.allclose(found, oracle(similarity, rows, columns, 0.3, num_iterations), atol=1e-12)


@pytest.mark.parametrize("block", [1, 2, 5, 7, 40, 1000])
def test_the_plan_does_not_depend_on_how_the_entries_are_cut(monkeypatch, block):
    """Rows of one to many entries, columns of many and of none."""
    rng = np.random.default_rng(3)
    allowed = rng.random((30, 12)) < 0.3
    allowed[:, 4], allowed[:, 7], allowed[11] = False, True, True
    similarity = csr_array(np.where(allowed, rng.standard_normal((30, 12)), 0.0))
    words = {"rows": np.ones(30), "columns": rng.random(12) + 0.1, "temperature": 0.2}
    whole = sinkhorn(similarity, **words)
    monkeypatch.setattr(transport, "BLOCK", block)
    cut = sinkhorn(similarity, **words)
    assert np.array_equal(cut.data, whole.data)
    assert np.array_equal(cut.indices, whole.indices)
    assert np.allclose(whole.sum(axis=1), 1)


def test_a_known_plan():
    cost = np.array([[0.1, 0.9], [0.2, 0.7], [0.3, 0.5], [0.35, 0.4]])
    known = [[0.2232, 0.0268], [0.1625, 0.0874], [0.0733, 0.1767], [0.0410, 0.2090]]
    found = plan(-cost, rows=np.ones(4), columns=np.ones(2), temperature=1 / 5)
    assert np.allclose(found / 4, known, atol=1.5e-4)
    sharp = plan(-cost, rows=np.ones(4), columns=np.ones(2), temperature=1 / 25)
    assert sharp.argmax(axis=1).tolist() == [0, 0, 1, 1]
    assert cost.argmin(axis=1).tolist() == [0, 0, 0, 0]


def test_rows_sum_to_one_and_columns_take_their_share():
    rng = np.random.default_rng(0)
    columns = np.array([1.0, 2.0, 3.0, 6.0])
    found = plan(
        rng.standard_normal((60, 4)), rows=np.ones(60), columns=columns, temperature=0.5, num_iterations=200
    )
    assert np.allclose(found.sum(axis=1), 1, atol=1e-12)
    assert np.allclose(found.sum(axis=0), 60 * columns / 12, atol=1e-6)


def test_rows_may_be_shifted_and_everything_renumbered():
    rng = np.random.default_rng(1)
    similarity, columns = rng.standard_normal((9, 5)), rng.random(5) + 0.5
    found = plan(similarity, rows=np.ones(9), columns=columns, temperature=0.2)
    shifted = plan(
        similarity + rng.standard_normal((9, 1)), rows=np.ones(9), columns=columns, temperature=0.2
    )
    assert np.allclose(shifted, found, atol=1e-9)
    i, k = rng.permutation(9), rng.permutation(5)
    again = plan(similarity[np.ix_(i, k)], rows=np.ones(9), columns=columns[k], temperature=0.2)
    assert np.allclose(again, found[np.ix_(i, k)], atol=1e-12)


def test_sharp_plans_stay_finite():
    similarity = np.array([[1.0, -1.0], [1.0, -1.0], [1.0, 0.5]])
    found = plan(similarity, rows=np.ones(3), columns=np.ones(2), temperature=1e-3)
    assert np.isfinite(found).all()
    assert np.allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("seed", range(5))
def test_rows_go_only_where_they_have_entries(seed):
    """The plain scaling of a kernel with zeros; no row goes to the last column."""
    rng = np.random.default_rng(seed)
    kernel = np.exp(rng.standard_normal((12, 6)) / 0.4) * (rng.random((12, 6)) < 0.5)
    kernel[np.arange(12), rng.integers(0, 5, 12)] = 1.0  # similarity 0, yet an entry
    kernel[:, 5] = 0
    rows, columns = rng.random(12) + 0.1, rng.random(6) + 0.1
    row, column = kernel.nonzero()
    similarity = csr_array((0.4 * np.log(kernel[row, column]), (row, column)), shape=(12, 6))
    found = sinkhorn(similarity, rows=rows, columns=columns, temperature=0.4, num_iterations=20)
    a, r, c = np.ones(12), rows / rows.sum(), columns / columns.sum()
    for _ in range(20):
        b = np.append(c[:5] / (kernel.T @ a)[:5], 0)
        a = r / (kernel @ b)
    expected = a[:, None] * kernel * b
    assert np.allclose(found.toarray(), expected / expected.sum(axis=1, keepdims=True), atol=1e-12)
    assert found.nnz == len(row)


def test_bad_input_is_refused():
    square = np.zeros((2, 2))
    with pytest.raises(DataError, match="3 row"):
        plan(square, rows=np.ones(3), columns=np.ones(2), temperature=1.0)
    with pytest.raises(DataError, match="zero or negative"):
        plan(square, rows=np.ones(2), columns=np.array([1.0, 0.0]), temperature=1.0)
    with pytest.raises(ConfigError, match="temperature 0"):
        plan(square, rows=np.ones(2), columns=np.ones(2), temperature=0)
    with pytest.raises(ConfigError, match="0 iterations"):
        plan(square, rows=np.ones(2), columns=np.ones(2), temperature=1, num_iterations=0)
    lonely = csr_array((np.ones(1), (np.zeros(1, int), np.zeros(1, int))), shape=(2, 2))
    with pytest.raises(DataError, match="row 1 has no column"):
        sinkhorn(lonely, rows=np.ones(2), columns=np.ones(2), temperature=1.0)


@pytest.mark.parametrize("tolerance", [1.0, 0.1, 1e-3])
def test_the_fitting_ends_where_the_columns_scales_stay(tolerance):
    """The rounds after which a loop ends by the rule, which is looked at every tenth time."""
    rng = np.random.default_rng(5)
    similarity, columns = rng.standard_normal((20, 6)), rng.random(6) + 0.1
    kernel, a, b = np.exp(similarity / 0.2), np.ones(20), np.ones(6)
    for number in range(2000):
        before, b = b, columns / columns.sum() / (kernel.T @ a)
        a = 1 / 20 / (kernel @ b)
        if number in range(10, 2000, 10) and sum(abs(before / b - 1)) < tolerance:
            break
    assert 10 <= number < 1999
    words = {"rows": np.ones(20), "columns": columns, "temperature": 0.2}
    ended = plan(similarity, **words, num_iterations=2000, tolerance=tolerance)
    assert np.array_equal(ended, plan(similarity, **words, num_iterations=number + 1))
    assert not np.array_equal(ended, plan(similarity, **words, num_iterations=number))
