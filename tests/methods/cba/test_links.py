import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.methods.cba.links import counterparts, link
from raydist.types import NOISE


def test_a_link_is_the_mean_posterior_and_how_peaked_it_is():
    rng = np.random.default_rng(0)
    posterior, weights = rng.dirichlet(np.ones(5), 20), rng.random(20) + 0.1
    labels = np.arange(20) % 4 - 1  # a quarter of them noise
    found = link(csr_array(posterior), labels, weights)
    for j in range(3):
        members = labels == j
        profile = (weights[members, None] * posterior[members]).sum(axis=0) / weights[members].sum()
        assert np.allclose(found.profile.toarray()[j], profile, atol=1e-12)
        assert found.host[j] == profile.argmax()
        assert found.confidence[j] == pytest.approx(1 + (profile * np.log(profile)).sum() / np.log(5))


def test_confidence_runs_from_none_to_full():
    posterior = np.array([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    assert link(csr_array(posterior), np.array([0, 1]), np.ones(2)).confidence.tolist() == [1, 0]


def test_counterparts_sum_the_clusters_of_a_host_by_confidence():
    x = np.random.default_rng(0).standard_normal((5, 4))
    nu = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    host, confidence = np.array([3, NOISE, 1, 3, 1]), np.array([0.9, 1.0, 0.5, 0.2, 0.0])
    visible, vectors = counterparts(nu, host, confidence)
    assert visible.tolist() == [1, 3]
    expected = np.stack([nu[2], 0.9 * nu[0] + 0.2 * nu[3]])
    assert np.allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-5)


def test_a_host_whose_clusters_are_all_in_doubt_has_a_counterpart_still():
    visible, vectors = counterparts(np.eye(3, dtype=np.float32)[:1], np.array([2]), np.zeros(1))
    assert visible.tolist() == [2]
    assert np.allclose(vectors, [[1, 0, 0]])
