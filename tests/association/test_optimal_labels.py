"""Labels by optimal transport against a dense loop in double precision, and a known case."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.association.optimal_labels import optimal_labels
from raydist.association.sparse_rows import listed_rows
from raydist.association.transport import sinkhorn
from raydist.errors import ConfigError, DataError
from raydist.types import NOISE

KNOWN_COST = np.array([[0.1, 0.9], [0.2, 0.7], [0.3, 0.5], [0.35, 0.4]])
KNOWN_PLANS = {
    5.0: [[0.2232, 0.0268], [0.1625, 0.0874], [0.0733, 0.1767], [0.0410, 0.2090]],
    25.0: [[0.2436, 0.0000], [0.2415, 0.0022], [0.0145, 0.2415], [0.0004, 0.2563]],
}
"""Sharpness -> the plan where the published rule ends the scaling."""


def published_plan(cost, columns, sharpness, *, tolerance=0.1, most=500):
    """The scaling as the group's code does it: rows, then columns; ends by a rule tested every tenth time."""
    kernel = np.exp(-sharpness * cost)
    r, c = np.full(len(cost), 1 / len(cost)), columns / columns.sum()
    b = np.full(len(c), 1 / len(c))
    for step in range(most):
        a = r / (kernel @ b)
        before, b = b, c / (kernel.T @ a)
        if step % 10 == 0 and np.abs(before / b - 1).sum() < tolerance:
            break
    return a[:, None] * kernel * b, step


def whole(similarity):
    """All entries of a dense table, zeros too."""
    columns = np.broadcast_to(np.arange(similarity.shape[1]), similarity.shape)
    return listed_rows(columns, similarity, similarity.shape[1])


def labels_of(similarity, **words):
    number = similarity.shape[1]
    return optimal_labels(whole(similarity), **{"columns": np.ones(number), "sharpness": 25.0} | words)


@pytest.mark.parametrize(("sharpness", "steps"), [(5.0, 10), (25.0, 20)])
def test_the_known_plan_is_that_of_the_published_rule_to_all_its_digits(sharpness, steps):
    plan, last = published_plan(KNOWN_COST, np.ones(2), sharpness)
    assert last == steps
    np.testing.assert_allclose(plan, KNOWN_PLANS[sharpness], atol=6e-5)
    # the same rounds of the sparse one, whose rows are the columns here: the side that is fitted last
    turned = sinkhorn(
        whole(-KNOWN_COST.T), rows=np.ones(2), columns=np.ones(4), temperature=1 / sharpness,
        num_iterations=steps + 1,
    )  # fmt: skip
    np.testing.assert_allclose(turned.toarray().T / 2, KNOWN_PLANS[sharpness], atol=6e-5)


@pytest.mark.parametrize("sharpness", KNOWN_PLANS)
@pytest.mark.parametrize("tolerance", [0.1, 0.0])
def test_the_known_labels_with_the_rule_and_converged(sharpness, tolerance):
    cosines = 1 - KNOWN_COST / 2
    assert labels_of(cosines, sharpness=sharpness, tolerance=tolerance).tolist() == [0, 0, 1, 1]
    assert KNOWN_COST.argmin(axis=1).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("num_rows", range(7))
@pytest.mark.parametrize("num_columns", range(7))
def test_labels_are_those_of_a_dense_loop(num_rows, num_columns):
    for seed in range(4):
        rng = np.random.default_rng((seed, num_rows, num_columns))
        s, columns = rng.uniform(-0.5, 0.9, (num_rows, num_columns)), rng.random(num_columns) + 0.2
        for sizes in (np.ones(num_columns), columns):
            labels = labels_of(s, columns=sizes, sharpness=5.0, num_iterations=3000, tolerance=0)
            assert labels.dtype == np.int64
            if num_rows == 0 or num_columns == 0:
                assert labels.tolist() == [NOISE] * num_rows
                continue
            plan, _ = published_plan(2 - 2 * s, sizes, 5.0, tolerance=-1, most=3000)
            # one row gives every column its share: what is largest may then be several columns
            np.testing.assert_allclose(plan[np.arange(num_rows), labels], plan.max(axis=1), rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_clusters_take_what_they_are_given(seed):
    """Sharp plans assign about as many rows to each column as its share; nearest columns do not."""
    rng = np.random.default_rng(seed)
    s = rng.uniform(0, 0.5, (600, 4)) + np.array([0.4, 0.0, 0.0, 0.0])
    assert (s.argmax(axis=1) == 0).mean() > 0.7
    for columns in (np.ones(4), np.array([1.0, 2.0, 3.0, 6.0])):
        counts = np.bincount(labels_of(s, columns=columns, sharpness=50.0, tolerance=0), minlength=4)
        assert np.allclose(counts / 600, columns / columns.sum(), atol=0.03)


def test_labels_follow_the_rows_and_columns():
    rng = np.random.default_rng(1)
    s, columns = rng.uniform(-1, 1, (30, 5)), rng.random(5) + 0.5
    labels = labels_of(s, columns=columns)
    i, k = rng.permutation(30), rng.permutation(5)
    assert np.array_equal(k[labels_of(s[np.ix_(i, k)], columns=columns[k])], labels[i])
    shifted = s + rng.uniform(-0.1, 0.1, (30, 1))  # a row's constant changes nothing
    assert np.array_equal(labels_of(shifted, columns=columns), labels)


def test_rows_that_look_at_their_nearest_columns_alone():
    """The loop of a kernel with zeros; where candidates suffice, the labels are those of all columns."""
    rng = np.random.default_rng(2)
    of_row = rng.integers(0, 6, 240)
    s = 0.3 * rng.random((240, 6)) + 0.5 * np.eye(6)[of_row]
    order = np.argsort(-s, axis=1)[:, :3]
    near = listed_rows(order, np.take_along_axis(s, order, axis=1), 6)
    labels = optimal_labels(near, columns=np.ones(6), sharpness=25.0)
    cost = np.where(near.toarray() > 0, 2 - 2 * s, np.inf)
    assert np.array_equal(labels, published_plan(cost, np.ones(6), 25.0)[0].argmax(axis=1))
    assert np.array_equal(labels, labels_of(s))


def test_bad_input_is_refused():
    square = whole(np.zeros((2, 2)))
    with pytest.raises(DataError, match="3 column"):
        optimal_labels(square, columns=np.ones(3), sharpness=1.0)
    with pytest.raises(DataError, match="no column"):
        optimal_labels(csr_array((2, 2)), columns=np.ones(2), sharpness=1.0)
    with pytest.raises(ConfigError, match="temperature"):
        optimal_labels(square, columns=np.ones(2), sharpness=0.0)
    with pytest.raises(ConfigError, match="tolerance -1"):
        optimal_labels(square, columns=np.ones(2), sharpness=1.0, tolerance=-1.0)
