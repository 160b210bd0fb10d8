from functools import partial
from itertools import permutations, product

import numpy as np
import pytest

from raydist.association import bilateral
from raydist.association.assignment import assign
from raydist.association.bilateral import bilateral_matching, closer_than_partners, optimal_partners
from raydist.errors import FeatureError

COUNTS = [(v, i) for v in range(7) for i in range(7)]


def centroids(num_clusters, seed, width=6):
    x = np.random.default_rng(seed).standard_normal((num_clusters, width))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def distances(rows, columns):
    return [
        [sum((float(a) - float(b)) ** 2 for a, b in zip(x, y, strict=True)) for y in columns] for x in rows
    ]


def cheapest(choices, distance):
    """The choice of a column for every row of the lowest total distance."""
    return min(choices, key=lambda chosen: sum(distance[row][column] for row, column in enumerate(chosen)))


def partners_by_trying(smaller, larger):
    """All one-to-one assignments of the smaller side, and all of the larger in which none serves too many."""
    most = len(larger) // len(smaller) + 1
    distance = distances(smaller, larger)
    of_smaller = cheapest(permutations(range(len(larger)), len(smaller)), distance)
    allowed = (
        chosen
        for chosen in product(range(len(smaller)), repeat=len(larger))
        if max(map(chosen.count, chosen)) <= most
    )
    return of_smaller, cheapest(allowed, [*zip(*distance, strict=True)])


def by_trying(visible, infrared):
    """Both partners and the mask, with the infrared as the smaller side where there are equally many."""
    if not len(visible) or not len(infrared):
        return [-1] * len(visible), [-1] * len(infrared), np.zeros((len(visible), len(infrared)), bool)
    if len(visible) >= len(infrared):
        of_infrared, of_visible = partners_by_trying(infrared, visible)
    else:
        of_visible, of_infrared = partners_by_trying(visible, infrared)
    distance = distances(visible, infrared)
    mask = [
        [
            distance[v][i] <= distance[v][of_visible[v]] or distance[v][i] <= distance[of_infrared[i]][i]
            for i in range(len(infrared))
        ]
        for v in range(len(visible))
    ]
    return list(of_visible), list(of_infrared), np.array(mask)


@pytest.mark.parametrize(("num_visible", "num_infrared"), COUNTS)
def test_equals_trying_everything(num_visible, num_infrared):
    for seed in range(2):
        visible, infrared = centroids(num_visible, seed), centroids(num_infrared, seed + 100)
        of_visible, of_infrared, mask = by_trying(visible, infrared)
        partners = optimal_partners(visible, infrared)
        assert all(side.dtype == np.int64 for side in partners)
        assert [side.tolist() for side in partners] == [of_visible, of_infrared]
        linked = bilateral_matching(visible, infrared)
        assert (linked.dtype, linked.format, linked.shape) == (bool, "csr", (num_visible, num_infrared))
        assert np.array_equal(linked.toarray(), mask)


@pytest.mark.parametrize(("num_visible", "num_infrared"), [*COUNTS, (40, 40), (90, 40), (20, 70), (13, 12)])
def test_no_cluster_is_without_a_link_and_partners_are_linked(num_visible, num_infrared):
    visible, infrared = centroids(num_visible, 1), centroids(num_infrared, 2)
    partners = optimal_partners(visible, infrared)
    linked = bilateral_matching(visible, infrared).toarray()
    if num_visible and num_infrared:
        assert linked.any(axis=0).all()
        assert linked.any(axis=1).all()
        assert linked[np.arange(num_visible), partners.visible_to_infrared].all()
        assert linked[partners.infrared_to_visible, np.arange(num_infrared)].all()
        of_smaller, of_larger = partners if num_visible < num_infrared else partners[::-1]
        assert len(set(of_smaller.tolist())) == len(of_smaller)
        assert np.bincount(of_larger).max() <= len(of_larger) // len(of_smaller) + 1
        nearest = visible @ infrared.T
        assert linked[np.arange(num_visible), nearest.argmax(axis=1)].all()
        assert linked[nearest.argmax(axis=0), np.arange(num_infrared)].all()
    else:
        assert not linked.size


def test_with_equally_many_the_infrared_are_matched_one_to_one():
    x = np.eye(2, dtype=np.float32)
    visible = np.array([[1, 0], [0.8, 0.6]], np.float32)
    infrared = np.array([[1, 0], [0, 1]], np.float32)
    assert [p.tolist() for p in optimal_partners(visible, infrared)] == [[0, 0], [0, 1]]
    assert [p.tolist() for p in optimal_partners(infrared, visible)] == [[0, 1], [0, 1]]
    assert bilateral_matching(visible, infrared).toarray().tolist() == [[True, False], [True, True]]
    assert bilateral_matching(x, x).toarray().tolist() == x.astype(bool).tolist()


@pytest.mark.parametrize(("num_visible", "num_infrared"), [(4, 4), (5, 2), (2, 5)])
def test_clusters_that_are_all_alike_are_all_linked(num_visible, num_infrared):
    visible, infrared = (np.repeat(centroids(1, 0), count, axis=0) for count in (num_visible, num_infrared))
    assert bilateral_matching(visible, infrared).toarray().all()
    of_smaller = min(optimal_partners(visible, infrared), key=len)
    assert num_visible == num_infrared or len(set(of_smaller.tolist())) == len(of_smaller)


@pytest.mark.parametrize(("num_visible", "num_infrared"), [(7, 3), (3, 7), (5, 6)])
def test_roles_may_be_swapped_and_clusters_renumbered(num_visible, num_infrared):
    visible, infrared = centroids(num_visible, 3), centroids(num_infrared, 4)
    linked = bilateral_matching(visible, infrared).toarray()
    assert np.array_equal(bilateral_matching(infrared, visible).toarray(), linked.T)
    order = np.random.default_rng(0).permutation(num_visible)
    assert np.array_equal(bilateral_matching(visible[order], infrared).toarray(), linked[order])


@pytest.mark.parametrize(("num_visible", "num_infrared"), [(30, 30), (90, 40), (20, 70)])
def test_very_many_clusters_are_matched_in_parts_and_by_an_auction(monkeypatch, num_visible, num_infrared):
    visible, infrared = centroids(num_visible, 1), centroids(num_infrared, 2)
    exact = bilateral_matching(visible, infrared)
    monkeypatch.setattr(bilateral, "assign", partial(assign, most_pairs=0))
    for at_once in (1, 100, 1000):
        monkeypatch.setattr(bilateral, "SIMILARITIES_AT_ONCE", at_once)
        assert np.array_equal(bilateral_matching(visible, infrared).toarray(), exact.toarray())


def test_partners_decide_how_far_links_reach():
    x = centroids(4, 0)
    partners = optimal_partners(x, x)
    assert np.array_equal(closer_than_partners(x, x, partners).toarray(), np.eye(4, dtype=bool))
    farthest = (x @ x.T).argmin(axis=1)
    reached = partners._replace(visible_to_infrared=farthest)
    assert closer_than_partners(x, x, reached).toarray().all()


def test_bad_centroids_are_refused():
    with pytest.raises(FeatureError, match="NaN"):
        bilateral_matching(np.full((2, 3), np.nan, np.float32), centroids(2, 0, 3))
    with pytest.raises(FeatureError, match="wide"):
        bilateral_matching(centroids(2, 0, 4), centroids(2, 0, 3))
