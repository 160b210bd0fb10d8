import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.association.propagation import aggregate, propagate, spread_to_groups

MODALITY = np.repeat([0, 1], 10)


def symmetric(chosen, density, rng):
    """Random symmetric weights where both rows may be linked."""
    upper = np.triu(rng.random((20, 20)) * (rng.random((20, 20)) < density) * chosen, k=1)
    return csr_array(upper + upper.T)


@pytest.fixture(params=range(4))
def relations(request):
    rng = np.random.default_rng(request.param)
    same = MODALITY[:, None] == MODALITY
    return symmetric(same, 0.3, rng), symmetric(~same, 0.2, rng)


def test_a_feature_is_averaged_with_its_friends(relations):
    within, _ = relations
    x = np.random.default_rng(9).standard_normal((20, 5)).astype(np.float32)
    w = within.toarray()
    for i, found in enumerate(aggregate(x, within, x)):
        total = x[i].astype(float) + sum(w[i, j] * x[j].astype(float) for j in range(20))
        assert np.allclose(found, total / np.linalg.norm(total), atol=1e-6)


def test_a_zero_sum_stays_zero():
    x = np.array([[1, 0], [-1, 0], [0, 2]], np.float32)
    within = csr_array(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], float))
    assert aggregate(x, within, x).tolist() == [[0, 0], [0, 0], [0, 1]]


def test_partners_come_through_friends_at_half_their_weight(relations):
    within, across = relations
    w1, w2 = within.toarray(), across.toarray()
    expected = np.zeros((20, 20))
    for i in range(20):
        for j in range(20):
            before = min(1.0, 0.5 * sum(w2[i, k] * w1[k, j] for k in range(20)))
            after = min(1.0, 0.5 * sum(w1[i, k] * w2[k, j] for k in range(20)))
            best = max(w2[i, j], before, after)
            expected[i, j] = best if best >= 0.05 else 0
    found = propagate(across, within)
    assert np.allclose(found.toarray(), expected)
    assert (found.data >= 0.05).all()


def test_propagation_stays_symmetric_and_between_the_modalities(relations):
    within, across = relations
    found = propagate(across, within)
    assert found.nnz > across.nnz
    assert np.array_equal(found.toarray(), found.toarray().T)
    i, j = found.nonzero()
    assert (MODALITY[i] != MODALITY[j]).all()


def test_many_detours_weigh_one_at_most():
    across, within = np.zeros((8, 8)), np.zeros((8, 8))
    across[0, 2:] = across[2:, 0] = 1
    within[1, 2:] = within[2:, 1] = 1
    assert propagate(csr_array(across), csr_array(within)).toarray()[0, 1] == 1


def test_pieces_of_a_positive_share_its_weight(relations):
    weights, _ = relations
    rng = np.random.default_rng(1)
    groups = csr_array(symmetric(np.ones((20, 20), bool), 0.15, rng) > 0)
    w, g = weights.toarray(), groups.toarray()
    expected = w.copy()
    for i in range(20):
        for k in range(20):
            expected[i, k] = max(
                w[i, k], min(1.0, sum(w[i, j] * g[j, k] / (1 + g[j].sum()) for j in range(20)))
            )
    assert np.allclose(spread_to_groups(weights, groups).toarray(), expected)


def test_groups_are_not_closed():
    weights, chain = np.zeros((4, 4)), np.zeros((4, 4), bool)
    weights[0, 1] = 0.9
    chain[1, 2] = chain[2, 1] = chain[2, 3] = chain[3, 2] = True
    assert spread_to_groups(csr_array(weights), csr_array(chain)).toarray()[0].tolist() == [0, 0.9, 0.45, 0]


def test_without_groups_or_links_nothing_changes(relations):
    within, across = relations
    none = csr_array((20, 20))
    assert np.array_equal(spread_to_groups(within, none.astype(bool)).toarray(), within.toarray())
    assert propagate(none, within).nnz == 0
    strong = across.toarray() * (across.toarray() >= 0.05)
    assert np.array_equal(propagate(across, none).toarray(), strong)
