from itertools import combinations

import numpy as np
import pytest

from raydist.association import ignore_graph as module
from raydist.association.ignore_graph import means_of_units, self_consistency
from raydist.engine.local_features import LocalFeatures
from raydist.errors import ConfigError, DataError


def tracklets(num_people=5, pieces=3, num_parts=4, seed=0, width=16, noise=1.0):
    """Pieces of passes: [N, K, D] and the person of each."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(num_people), pieces)
    z = rng.standard_normal((num_people, 1, width))[person] + noise * rng.standard_normal(
        (len(person), num_parts, width)
    )
    return (z / np.linalg.norm(z, axis=2, keepdims=True)).astype(np.float32), person


def ignore_graph(z, view, top=3, slack=0.3):
    features = LocalFeatures(z, None)
    nearest = features.derived(means_of_units).nearest_of_view(view, top)
    return module.ignore_graph(nearest, features.measure(self_consistency), slack=slack)


def oracle(z, view, top=3, slack=0.3):
    n, num_parts = z.shape[:2]
    z = z.astype(np.float64)
    similarity = np.array(
        [[np.mean([a @ b for a in z[i] for b in z[j]]) for j in range(n)] for i in range(n)]
    )
    rho = [
        np.mean([z[i, a] @ z[i, b] for a, b in combinations(range(num_parts), 2)]) if num_parts > 1 else 1.0
        for i in range(n)
    ]
    nearest = [
        sorted((j for j in range(n) if view[j] == view[i] and j != i), key=lambda j: -similarity[i, j])[:top]
        for i in range(n)
    ]
    linked = np.zeros((n, n), bool)
    for i in range(n):
        for j in nearest[i]:
            linked[i, j] = i in nearest[j] and similarity[i, j] > (1 - slack) * min(rho[i], rho[j])
    return linked


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("num_parts", [1, 2, 4])
@pytest.mark.parametrize(("top", "slack"), [(3, 0.3), (1, 0.1), (20, 1.0)])
def test_links_are_those_of_the_definition(seed, num_parts, top, slack):
    z, _ = tracklets(seed=seed, num_parts=num_parts)
    view = np.random.default_rng(seed).integers(0, 3, len(z))
    graph = ignore_graph(z, view, top=top, slack=slack)
    assert graph.dtype == bool
    assert np.array_equal(graph.toarray(), oracle(z, view, top, slack))


def test_pieces_of_one_pass_are_linked_and_no_others():
    z, person = tracklets(noise=0.2)
    linked = ignore_graph(z, np.zeros(15, np.int64)).toarray()
    assert np.array_equal(linked, (person[:, None] == person) & ~np.eye(15, dtype=bool))


def test_links_are_symmetric_and_stay_in_a_view():
    z, _ = tracklets(noise=0.2)
    view = np.arange(15) % 3
    linked = ignore_graph(z, view, top=5, slack=1.0).toarray()
    assert np.array_equal(linked, linked.T)
    assert not linked.diagonal().any()
    assert not linked[view[:, None] != view].any()
    assert linked.any()


def test_renumbered_rows_give_the_renumbered_graph():
    z, _ = tracklets()
    view, order = np.arange(15) % 2, np.random.default_rng(1).permutation(15)
    linked = ignore_graph(z, view).toarray()
    assert np.array_equal(ignore_graph(z[order], view[order]).toarray(), linked[np.ix_(order, order)])


def test_one_part_is_consistent_with_itself():
    z, _ = tracklets(num_parts=1)
    assert (self_consistency(z) == 1).all()


@pytest.mark.parametrize("num_rows", [0, 1])
def test_few_tracklets(num_rows):
    z, _ = tracklets()
    graph = ignore_graph(z[:num_rows], np.zeros(num_rows, np.int64))
    assert graph.shape == (num_rows, num_rows)
    assert graph.nnz == 0


def test_bad_input_is_refused():
    nearest = np.zeros((3, 1), np.int64), np.zeros((3, 1))
    with pytest.raises(DataError, match="nearest tracklets of 3 rows, and 15 consistencies"):
        module.ignore_graph(nearest, np.ones(15))
    with pytest.raises(ConfigError, match=r"slack 1\.5"):
        module.ignore_graph(nearest, np.ones(3), slack=1.5)
