import numpy as np
import pytest
from scipy.sparse import csr_array, vstack

from raydist.neighbours.jaccard.ranked_lists import RankedLists
from raydist.neighbours.jaccard.reciprocal import (
    NEVER,
    UNIT,
    expand_rows,
    mutual_ranks,
    reciprocal_sets,
    v_rows,
)
from raydist.neighbours.search.lists import top_k


def lists_of(ids, similarities=None, *, split=None, averaged=None, weights=None):
    """Ranked lists with the parts that a test is about."""
    ids = np.asarray(ids, np.int32)
    similarities = np.ones(ids.shape) if similarities is None else similarities
    averaged = ids[:, :1] if averaged is None else averaged
    weights = np.ones(averaged.shape) if weights is None else weights
    return RankedLists(
        ids, similarities.astype(np.float32), split or ids.shape[1], averaged.astype(np.int32), weights
    )


def lists_from(x, k, **parts):
    return lists_of(*top_k(x, k=k), **parts)


def sets_of(lists, half, rows=None, **options):
    rows = np.arange(len(lists.ids)) if rows is None else rows
    return reciprocal_sets(rows, lists, mutual_ranks(np.arange(len(lists.ids)), lists), half=half, **options)


def members(sets):
    return [sorted(sets[[i]].indices.tolist()) for i in range(sets.shape[0])]


def reciprocal(table, i, width):
    return {j for j in table[i, :width] if j >= 0 and i in table[j, :width]}


def oracle(table, i, half):
    base = reciprocal(table, i, table.shape[1])
    grown = set(base)
    for c in base if half else ():
        near = reciprocal(table, c, half + 1)
        if len(near & base) > 2 / 3 * len(near):
            grown |= near
    return sorted(grown)


def same(a: csr_array, b: csr_array) -> bool:
    return all(
        getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ("indptr", "indices", "data")
    )


# ------------------------------------------------------------------------------------------------------------
# the sets


@pytest.mark.parametrize("half", [0, 2, 5])
def test_sets_are_those_of_the_definition(people, half):
    for seed in range(3):
        lists = lists_from(people(5, 9, seed=seed, noise=0.9), 10)
        assert members(sets_of(lists, half)) == [oracle(lists.ids, i, half) for i in range(45)]


def test_mutual_ranks_are_the_later_rank(people):
    lists = lists_from(people(5, 9, noise=0.9), 10)
    ranks = mutual_ranks(np.arange(45), lists)
    for k in (1, 4, 10):
        for i in range(45):
            assert {int(j) for j in lists.ids[i][ranks[i] < k]} == reciprocal(lists.ids, i, k)
    assert (ranks == NEVER).any()


def test_expansion_needs_strictly_more_than_two_thirds():
    # The half set of 1 is {1, 0, 2}; of it {0, 1} or all three lie in the set of 0.
    without = [[0, 1, 3, 4], [1, 0, 2, 3], [2, 1, 3, 4], [3, 4, 5, 2], [4, 3, 5, 2], [5, 3, 4, 2]]
    assert 2 not in members(sets_of(lists_of(without), 2))[0]


def test_two_lists_side_by_side_look_back_among_themselves():
    """Row 0 has 1 in its first list and 2 in its second; 1 has 0 in its second list, which does not count."""
    ids = [[0, 1, 2, -1], [1, 2, 0, -1], [2, 1, 0, -1]]
    assert members(sets_of(lists_of(ids, split=2), 0)) == [[0, 2], [1, 2], [0, 1, 2]]
    assert members(sets_of(lists_of(ids), 0)) == [[0, 1, 2]] * 3


def test_many_members_outgrow_the_first_buffer():
    """Neighbours on a ring: each row's list takes in rows on either side that the half sets reach."""
    num_rows = 400
    steps = np.array([0, *(sign * step for step in range(1, 20) for sign in (1, -1))])
    lists = lists_of((np.arange(num_rows)[:, None] + steps) % num_rows)
    sets = sets_of(lists, 30)
    assert sets.nnz > len(steps) * num_rows
    assert members(sets) == [oracle(lists.ids, i, 30) for i in range(num_rows)]


def test_known_similarities_come_along(people):
    x = people(5, 9, noise=0.9)
    lists = lists_from(x, 10)
    sets, exact = sets_of(lists, 5), x.astype(np.float64) @ x.T.astype(np.float64)
    assert np.isnan(sets.data).any()
    for i in range(45):
        row = sets[[i]]
        for j, similarity in zip(row.indices, row.data, strict=True):
            listed = j in lists.ids[i] or i in lists.ids[j]
            assert np.isnan(similarity) != listed
            if listed:
                assert similarity == pytest.approx(exact[i, j], abs=1e-6)


# ------------------------------------------------------------------------------------------------------ V and
# expansion


def test_rows_of_v_are_a_softmax_and_features_may_be_elsewhere(people):
    x = people(4, 6)
    sets = sets_of(lists_from(x, 8), 4)
    v = v_rows(sets, np.arange(24), x)
    for i in range(24):
        near = sets[[i]].indices
        weights = np.exp(-(2 - 2 * x[near].astype(np.float64) @ x[i].astype(np.float64)))
        np.testing.assert_allclose(v[[i]].data / UNIT, weights / weights.sum(), rtol=1e-6)
    rows = np.arange(5, 9)
    needed = np.union1d(rows, sets[rows].indices)
    places = np.full(24, -1)
    places[needed] = np.arange(len(needed))
    assert v_rows(sets[rows], rows, x[needed], places=places).data.tobytes() == v[rows].data.tobytes()


def test_a_similarity_of_the_search_and_one_made_later_have_the_same_bits(people):
    x = people(5, 9, noise=0.9, width=333)
    sets, rows = sets_of(lists_from(x, 10), 5), np.arange(45)
    unknown = csr_array(
        (np.where(sets.data == 1, 1, np.float32(np.nan)), sets.indices, sets.indptr), shape=sets.shape
    )
    assert same(v_rows(unknown, rows, x), v_rows(sets, rows, x))


def test_expansion_is_a_weighted_mean_of_rows(people):
    x = people(4, 6)
    averaged = np.where(np.arange(4) < 3, top_k(x, k=4)[0], -1)
    lists = lists_from(x, 8, averaged=averaged, weights=np.tile([0.5, 0.25, 0.25, 0.0], (24, 1)))
    v = v_rows(sets_of(lists, 4), np.arange(24), x)
    expanded = expand_rows(np.arange(24), lists, v)
    dense = v.toarray() / UNIT
    np.testing.assert_allclose(
        expanded.toarray() / UNIT,
        0.5 * dense[averaged[:, 0]] + 0.25 * (dense[averaged[:, 1]] + dense[averaged[:, 2]]),
        atol=1e-8,
    )
    np.testing.assert_allclose(expanded.sum(axis=1) / UNIT, 1, atol=1e-7)
    assert (expanded.dtype, expanded.indices.dtype) == (np.int32, np.int32)


def test_even_the_smallest_weight_is_kept():
    """A weight below 1 / UNIT counts as 1 / UNIT: a member of a set is never dropped."""
    lists = lists_of(
        [[0, 1], [1, 0]],
        averaged=np.array([[0, 1], [1, -1]]),
        weights=np.array([[1 - 1e-12, 1e-12], [1.0, 0.0]]),
    )
    v = csr_array(np.array([[UNIT, 0], [0, UNIT]], np.int32))
    assert expand_rows(np.arange(2), lists, v).toarray().tolist() == [[UNIT, 1], [0, UNIT]]


# ----------------------------------------------------------------------------------------------------------
# invariances


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_rows_and_threads_give_the_same_bytes(people, threads):
    x = people(30, 10, noise=0.8)
    rows = np.arange(300)
    lists = lists_from(x, 10, averaged=top_k(x, k=3)[0], weights=np.full((300, 3), 1 / 3))
    mutual = mutual_ranks(rows, lists)
    whole = v_rows(sets_of(lists, 5), rows, x)
    expanded = expand_rows(rows, lists, whole)
    assert np.array_equal(mutual_ranks(rows, lists, threads=threads), mutual)
    for cut in ([0, 300], [10, 11, 40], []):
        parts = np.split(rows, cut)
        sets = [reciprocal_sets(p, lists, mutual, half=5, threads=threads) for p in parts]
        v = vstack([v_rows(s, p, x, threads=threads) for s, p in zip(sets, parts, strict=True)], format="csr")
        assert same(v, whole)
        assert same(
            vstack([expand_rows(p, lists, v, threads=threads) for p in parts], format="csr"), expanded
        )


def test_any_numbering_gives_the_same_weights(people):
    x = people(5, 9, noise=0.8)
    lists = lists_from(x, 10, averaged=top_k(x, k=3)[0], weights=np.full((45, 3), 1 / 3))
    order = np.random.default_rng(0).permutation(45)
    dense = []
    for numbered, names in ((lists, np.arange(45)), (lists.renumbered(order), order)):
        v = expand_rows(np.arange(45), numbered, v_rows(sets_of(numbered, 5), np.arange(45), x, places=names))
        dense.append(v.toarray())
    assert np.array_equal(dense[0][np.ix_(order, order)], dense[1])


@pytest.mark.parametrize("half", [0, 2])
def test_padding_is_never_looked_up(half):
    """Padding is -1, which would be the last row: whatever that row is, the others stay as they are."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((13, 8)).astype(np.float32)
    ids = np.stack([np.append(i, rng.permutation(np.delete(np.arange(12), i))[:4]) for i in range(12)])
    ids[rng.random(ids.shape) < 0.3] = -1
    ids = np.append(
        np.take_along_axis(ids, np.argsort(ids < 0, axis=1, kind="stable"), axis=1),
        np.zeros((1, 5), int),
        axis=0,
    )
    results = []
    for guard in ([0, 1, 2, 3, 4], [-1] * 5, [12, 11, 10, 9, 8]):
        ids[12], x[12] = guard, guard[0]
        lists = lists_of(ids, np.full((13, 5), 0.5), averaged=ids[:, :3], weights=(ids[:, :3] >= 0) / 3)
        v = v_rows(sets_of(lists, half), np.arange(13), x)
        results.append([v[:12].toarray()[:, :12], expand_rows(np.arange(12), lists, v).toarray()[:, :12]])
    for v, expanded in results[1:]:
        assert np.array_equal(v, results[0][0])
        assert np.array_equal(expanded, results[0][1])


def test_no_rows():
    lists = lists_of(np.empty((0, 3)))
    v = v_rows(sets_of(lists, 1), np.arange(0), np.empty((0, 4), np.float32))
    assert expand_rows(np.arange(0), lists, v).shape == (0, 0)
