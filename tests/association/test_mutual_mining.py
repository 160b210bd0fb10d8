from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.association.mutual_mining import (
    MIN_PAIRS,
    NO_POOL,
    Pairs,
    accept,
    dynamic_thresholds,
    modality_pools,
    mutual_pairs,
    soft_weights,
    supporting_pairs,
)

VISIBLE_TWICE_INFRARED_THRICE = np.array([0, 0, 1, 1, 1])


def scene(num_people=8, noise=0.5, seed=0, width=8, view_modality=VISIBLE_TWICE_INFRARED_THRICE):
    """Unit features of everybody in every view, with the view and the person of each row."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(num_people), len(view_modality))
    view = np.tile(np.arange(len(view_modality)), num_people)
    order = rng.permutation(len(person))
    person, view = person[order], view[order]
    x = rng.standard_normal((num_people, width))[person] + noise * rng.standard_normal((len(person), width))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), view, person


def best_in_views(x, view):
    """For every row the best row of each other view, and its similarity."""
    num_views = int(view.max()) + 1
    ids, similarities = np.full((len(x), num_views), -1), np.full((len(x), num_views), -np.inf)
    x = x.astype(np.float64)
    for i in range(len(x)):
        for j in range(len(x)):
            if view[j] != view[i] and x[i] @ x[j] > similarities[i, view[j]]:
                ids[i, view[j]], similarities[i, view[j]] = j, x[i] @ x[j]
    return ids, similarities


def mined_views(view_modality, across):
    for a in range(len(view_modality)):
        for b in range(a + 1, len(view_modality)):
            if (view_modality[a] != view_modality[b]) == across:
                yield a, b


def oracle_pairs(x, view, view_modality, across):
    """Mutual pairs of every two views by looking at everybody."""
    x, found = x.astype(np.float64), {}
    for a, b in mined_views(view_modality, across):
        left, right = np.flatnonzero(view == a), np.flatnonzero(view == b)
        found[a, b] = []
        for i in left:
            j = max(right, key=lambda j: x[i] @ x[j])
            if max(left, key=lambda k: x[k] @ x[j]) == i:
                found[a, b].append((i, j, x[i] @ x[j]))
    return found


def oracle_thresholds(found, view_modality, kappa, previous=None, momentum=0.5):
    thresholds = {}
    for (a, b), pairs in found.items():
        used = [s for _, _, s in pairs]
        if len(used) < MIN_PAIRS:
            kind = (view_modality[a], view_modality[b])
            used = [
                s
                for (c, d), more in found.items()
                if (view_modality[c], view_modality[d]) == kind
                for _, _, s in more
            ]
        now = np.mean(used) + kappa * np.std(used)
        thresholds[a, b] = now if previous is None else momentum * previous[a, b] + (1 - momentum) * now
    return thresholds


def mine(x, view, view_modality=VISIBLE_TWICE_INFRARED_THRICE, *, across=False, kappa=0.0, previous=None):
    pool, num_views = modality_pools(view_modality, across=across), len(view_modality)
    pairs = mutual_pairs(best_in_views(x, view), view, pool)
    before = np.full((num_views, num_views), np.nan) if previous is None else previous
    return pairs, dynamic_thresholds(pairs, view, pool, before, kappa=kappa)


def listed(pairs):
    return sorted(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_mutual_nearest_and_listed_once(across, seed):
    x, view, _ = scene(seed=seed)
    pairs, _ = mine(x, view, across=across)
    expected = oracle_pairs(x, view, VISIBLE_TWICE_INFRARED_THRICE, across)
    assert listed(pairs) == sorted((i, j) for found in expected.values() for i, j, _ in found)
    assert (view[pairs.first] < view[pairs.second]).all()
    assert np.allclose(
        pairs.similarity, [x[i].astype(float) @ x[j] for i, j in zip(pairs.first, pairs.second, strict=True)]
    )


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("num_people", [3, 8])
@pytest.mark.parametrize("kappa", [0.5, -0.5])
def test_thresholds_follow_their_views_over_epochs(across, num_people, kappa):
    kinds, previous, expected = VISIBLE_TWICE_INFRARED_THRICE, None, None
    for epoch in range(3):
        x, view, _ = scene(num_people, seed=epoch)
        _, previous = mine(x, view, across=across, kappa=kappa, previous=previous)
        expected = oracle_thresholds(oracle_pairs(x, view, kinds, across), kinds, kappa, expected)
        mined = list(expected)
        assert np.allclose([previous[a, b] for a, b in mined], [expected[a, b] for a, b in mined])
        assert np.isnan(previous).sum() == previous.size - len(mined)


def test_the_case_of_few_pairs_is_met_by_the_test_above():
    few = oracle_pairs(*scene(3)[:2], VISIBLE_TWICE_INFRARED_THRICE, False)
    many = oracle_pairs(*scene(8)[:2], VISIBLE_TWICE_INFRARED_THRICE, False)
    assert max(map(len, few.values())) < MIN_PAIRS <= max(map(len, many.values()))


def test_other_pools_keep_their_thresholds():
    x, view, _ = scene()
    _, before = mine(x, view)
    _, after = mine(x, view, across=True, previous=before)
    mined = ~np.isnan(before)
    assert np.array_equal(after[mined], before[mined])
    assert (~np.isnan(after)).sum() == 10


def test_without_any_pair_a_threshold_stays_what_it_was():
    nobody = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    pool, before = (
        modality_pools(np.array([0, 0, 1]), across=False),
        np.array([[np.nan, 0.25, np.nan]] + 2 * [[np.nan] * 3]),
    )
    after = dynamic_thresholds(nobody, np.array([0, 1, 2]), pool, before, kappa=0.0)
    assert np.array_equal(after, before, equal_nan=True)


def test_pairs_of_modalities_share_a_pool():
    kinds = np.array([0, 1, 0, 1])
    within, across = modality_pools(kinds, across=False), modality_pools(kinds, across=True)
    assert within[0, 2] == 0
    assert within[1, 3] == 1
    assert {(a, b) for a, b in np.argwhere(across != NO_POOL)} == {(0, 1), (0, 3), (1, 2), (2, 3)}
    assert across.max() == 0


@pytest.mark.parametrize("across", [False, True])
def test_duplicates_in_all_views_are_all_accepted(across):
    x, view, person = scene(noise=0.0)
    pairs, thresholds = mine(x, view, across=across, kappa=0.5)
    accepted = accept(pairs, view, thresholds)
    mined = list(mined_views(VISIBLE_TWICE_INFRARED_THRICE, across))
    assert len(accepted.first) == len(pairs.first) == 8 * len(mined)
    assert np.array_equal(person[accepted.first], person[accepted.second])


def test_nearest_ones_that_are_not_mutual_are_no_pair():
    turned = np.roll(np.arange(4), 1)
    view = np.repeat([0, 1], 4)
    ids = np.full((8, 2), -1)
    ids[:4, 1], ids[4:, 0] = 4 + np.arange(4), turned
    pairs = mutual_pairs(
        (ids, np.where(ids < 0, -np.inf, 1.0)), view, modality_pools(np.array([0, 0]), across=False)
    )
    assert len(pairs.first) == 0


def test_a_threshold_accepts_what_reaches_it():
    pairs = Pairs(np.array([0, 0, 1]), np.array([2, 3, 3]), np.array([0.5, 0.5 - 5e-7, 0.4999]))
    thresholds = np.array([[np.nan, 0.5], [np.nan, np.nan]])
    assert listed(accept(pairs, np.array([0, 0, 1, 1]), thresholds)) == [(0, 2), (0, 3)]


def oracle_weights(pairs, margin, friends):
    circle = [{i, *np.flatnonzero(row)} for i, row in enumerate(friends.toarray())]
    overlap = [
        len(circle[i] & circle[j]) / len(circle[i] | circle[j])
        for i, j in zip(pairs.first, pairs.second, strict=True)
    ]
    return [(0.5 + 0.5 * o) / (1 + np.exp(-m / 0.1)) for m, o in zip(margin, overlap, strict=True)]


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_weights_grow_with_margin_and_common_friends(across, seed):
    x, view, _ = scene(seed=seed)
    pairs, thresholds = mine(x, view, across=across, kappa=-0.5)
    accepted = accept(pairs, view, thresholds)
    margin = accepted.similarity - thresholds[view[accepted.first], view[accepted.second]]
    friends = accepted.relation(np.full(len(margin), 0.3), len(x))
    weights = soft_weights(accepted, margin, friends)
    assert np.allclose(weights, oracle_weights(accepted, margin, friends))
    assert ((weights > 0) & (weights < 1)).all()


def test_a_pair_without_other_friends_loses_nothing():
    pair = Pairs(np.array([0]), np.array([1]), np.array([0.9]))
    assert soft_weights(pair, np.zeros(1), pair.relation(np.ones(1), 3)).tolist() == [0.5]


@pytest.mark.parametrize("seed", range(3))
def test_votes_are_links_between_the_friends(seed):
    x, view, _ = scene(seed=seed)
    within = mine(x, view)[0]
    pairs = mine(x, view, across=True)[0]
    friends = within.relation(np.full(len(within.first), 0.3), len(x))
    circle = [{i, *np.flatnonzero(row)} for i, row in enumerate(friends.toarray())]
    links = set(listed(pairs))
    expected = [
        sum(
            (min(a, b, key=lambda r: view[r]), max(a, b, key=lambda r: view[r])) in links
            for a in circle[i]
            for b in circle[j]
        )
        for i, j in zip(pairs.first, pairs.second, strict=True)
    ]
    assert supporting_pairs(pairs, friends).tolist() == expected
    assert min(expected) >= 1
    assert max(expected) > 1


def test_a_relation_is_symmetric():
    pairs = Pairs(np.array([0, 1]), np.array([2, 2]), np.ones(2))
    relation = pairs.relation(np.array([0.5, 0.25]), 4).toarray()
    assert relation.tolist() == [[0, 0, 0.5, 0], [0, 0, 0.25, 0], [0.5, 0.25, 0, 0], [0, 0, 0, 0]]


def test_renumbered_rows_give_the_renumbered_relation():
    x, view, _ = scene()
    order = np.random.default_rng(5).permutation(len(x))

    def relation(x, view):
        pairs, thresholds = mine(x, view, kappa=-0.5)
        accepted = accept(pairs, view, thresholds)
        return accepted.relation(accepted.similarity, len(x)).toarray()

    assert np.allclose(relation(x[order], view[order]), relation(x, view)[np.ix_(order, order)])


@pytest.mark.parametrize("view_modality", [np.array([0]), np.array([0, 1])])
def test_one_view_a_modality_has_nothing_to_mine_within(view_modality):
    x, view, _ = scene(view_modality=view_modality)
    pairs, thresholds = mine(x, view, view_modality)
    assert len(pairs.first) == 0
    assert np.isnan(thresholds).all()
    assert soft_weights(pairs, np.empty(0), csr_array((len(x), len(x)))).shape == (0,)


def test_strictness_trades_pairs_for_precision():
    x, view, person = scene(num_people=60, noise=1.0, width=16)
    right, found = [], []
    for kappa in (0.5, 0.0, -0.5):
        pairs, thresholds = mine(x, view, kappa=kappa)
        accepted = accept(pairs, view, thresholds)
        right.append((person[accepted.first] == person[accepted.second]).mean())
        found.append(len(accepted.first))
    assert all(a > b for a, b in pairwise(right))
    assert all(a < b for a, b in pairwise(found))
