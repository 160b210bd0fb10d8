import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.methods.cba.guides import NEAREST
from raydist.methods.cba.uncertainty import (
    SMALLEST,
    graded_targets,
    relative_rank,
    sparse_targets,
    uncertainty,
)
from raydist.types import NOISE


def unit_rows(*shape, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def shares(*shape, seed=0):
    x = np.random.default_rng(seed).random(shape) ** 8 + 1e-9
    return x / x.sum(axis=-1, keepdims=True)


def doubt(parts, prototypes, temperature):
    return uncertainty(parts, np.ones(len(parts), bool), prototypes=prototypes, temperature=temperature)


def entropy(p):
    return -sum(x * np.log(x) for x in p if x > 0)


@pytest.mark.parametrize("num_parts", [1, 2, 4])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_uncertainty_is_entropy_and_disagreement(num_parts, temperature):
    parts, prototypes = unit_rows(9, num_parts, 5), unit_rows(6, 5, seed=1)
    for row, found in zip(parts.astype(np.float64), doubt(parts, prototypes, temperature), strict=True):
        e = np.exp(row @ prototypes.T.astype(np.float64) / temperature)
        q = e / e.sum(axis=1, keepdims=True)
        total = entropy(q.mean(axis=0))
        disagreement = (total - np.mean([entropy(p) for p in q])) / np.log(num_parts) if num_parts > 1 else 0
        assert found == pytest.approx(0.5 * total / np.log(6) + 0.5 * disagreement, abs=1e-12)
        assert 0 <= found <= 1


def test_no_more_than_the_nearest_guides_are_looked_at():
    parts, prototypes = unit_rows(5, 2, 8), unit_rows(40, 8, seed=1)
    found = doubt(parts, prototypes, 0.3)
    for row, value in zip(parts.astype(np.float64), found, strict=True):
        similar = row @ prototypes.T.astype(np.float64)
        q = np.zeros((2, 40))
        for part in range(2):
            near = np.argsort(-similar[part])[:NEAREST]
            e = np.exp(similar[part, near] / 0.3)
            q[part, near] = e / e.sum()
        total = entropy(q.mean(axis=0))
        disagreement = (total - np.mean([entropy(p) for p in q])) / np.log(2)
        assert value == pytest.approx(0.5 * total / np.log(40) + 0.5 * disagreement, abs=1e-9)


def test_rows_that_are_not_asked_for_have_no_doubt():
    parts, prototypes, asked = unit_rows(5, 2, 8), unit_rows(6, 8, seed=1), np.arange(5) % 2 == 0
    found = uncertainty(parts, asked, prototypes=prototypes, temperature=0.3)
    assert np.array_equal(found[asked], doubt(parts, prototypes, 0.3)[asked])
    assert (found[~asked] == 0).all()
    none = uncertainty(parts, np.zeros(5, bool), prototypes=prototypes, temperature=0.3)
    assert none.tolist() == [0] * 5


def test_parts_that_point_to_different_prototypes_are_uncertain():
    eye = np.eye(4, dtype=np.float32)
    parts = eye[[[0, 0, 0], [0, 0, 1], [0, 1, 2]]]
    found = doubt(parts, eye, 0.05)
    assert found[0] < found[1] < found[2]
    between = np.full(
        (1, 3, 4), 0.5, np.float32
    )  # each part to all prototypes: no disagreement, full entropy
    assert doubt(between, eye, 0.05)[0] == pytest.approx(0.5)


def test_ranks_lie_between_zero_and_one_and_follow_the_order():
    values = np.random.default_rng(0).permutation(50).astype(float)
    found = relative_rank(values)
    assert np.allclose(found, (values + 0.5) / 50)
    assert np.allclose(relative_rank(np.zeros(4)), 0.5)


def test_the_certain_are_taught_hard_and_the_uncertain_soft():
    q, profile = shares(7, 4), shares(3, 4, seed=1)
    labels, rank = np.array([0, 1, 2, NOISE, 0, NOISE, 2]), np.linspace(0, 1, 7)
    found = graded_targets(csr_array(q), csr_array(profile), labels, rank).toarray()
    for i in range(7):
        soft = q[i] if labels[i] == NOISE else 0.5 * q[i] + 0.5 * profile[labels[i]]
        hard = np.eye(4)[q[i].argmax()]
        assert np.allclose(found[i], (1 - rank[i]) * hard + rank[i] * soft, atol=1e-12)
    assert np.allclose(found.sum(axis=1), 1)
    assert set(found[0]) == {0, 1}


def test_sparse_targets_stand_in_the_columns_of_the_guides():
    dense = shares(6, 3)
    found = sparse_targets(csr_array(dense), np.array([1, 4, 7]), 9).toarray()
    assert found.shape == (6, 9)
    assert found.dtype == np.float32
    assert (found[:, [0, 2, 3, 5, 6, 8]] == 0).all()
    kept = np.array([[x if x >= SMALLEST * max(row) else 0 for x in row] for row in dense])
    assert (kept == 0).any()
    assert np.allclose(found[:, [1, 4, 7]], kept / kept.sum(axis=1, keepdims=True), atol=1e-6)
