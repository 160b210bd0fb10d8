import numpy as np
import pytest
from scipy.sparse import csr_array, vstack

from raydist.neighbours.reciprocal import expand_rows, reciprocal_sets, v_rows
from raydist.neighbours.search import top_k


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


@pytest.mark.parametrize("half", [0, 2, 5])
def test_sets_are_those_of_the_definition(people, half):
    for seed in range(3):
        table = top_k(people(5, 9, seed=seed, noise=0.9), k=10)[0].astype(np.int32)
        sets = reciprocal_sets(np.arange(45), [table], half=half)
        assert [sets[[i]].indices.tolist() for i in range(45)] == [oracle(table, i, half) for i in range(45)]


def test_expansion_needs_strictly_more_than_two_thirds():
    # The half set of 1 is {1, 0, 2}; of it {0, 1} or all three lie in the set of 0.
    without = np.array([[0, 1, 3, 4], [1, 0, 2, 3], [2, 1, 3, 4], [3, 4, 5, 2], [4, 3, 5, 2], [5, 3, 4, 2]], np.int32)
    assert 2 not in reciprocal_sets(np.array([0]), [without], half=2).indices


def test_empty_seats_are_no_rows():
    table = np.array([[0, 1, -1], [1, 0, -1], [2, -1, -1]], np.int32)
    assert reciprocal_sets(np.arange(3), [table], half=1).toarray().astype(int).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_several_tables_make_a_union():
    first, second = np.array([[0, 1], [1, 0], [2, -1]], np.int32), np.array([[2], [0], [0]], np.int32)
    union = reciprocal_sets(np.arange(3), [first, second], half=0)
    assert union.toarray().astype(int).tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 1]]


def test_many_members_outgrow_the_first_buffer():
    num_rows = 60
    table = np.array([np.roll(np.arange(num_rows), -i) for i in range(num_rows)], np.int32)
    assert reciprocal_sets(np.arange(num_rows), [table], half=30).nnz == num_rows**2


def test_rows_of_v_are_a_softmax_and_members_may_be_a_subset(people):
    x = people(4, 6)
    sets = reciprocal_sets(np.arange(24), [top_k(x, k=8)[0].astype(np.int32)], half=4)
    v = v_rows(sets, x, x)
    for i in range(24):
        members = sets[[i]].indices
        weights = np.exp(-(2 - 2 * x[members].astype(np.float64) @ x[i].astype(np.float64)))
        np.testing.assert_allclose(v[[i]].data, weights / weights.sum(), rtol=1e-6)
    part = sets[5:9]
    needed = np.unique(part.indices)
    assert v_rows(part, x[5:9], x[needed], member_ids=needed).data.tobytes() == v[5:9].data.tobytes()


def test_expansion_is_a_weighted_mean_of_rows(people):
    x = people(4, 6)
    ranks = top_k(x, k=8)[0].astype(np.int32)
    v = v_rows(reciprocal_sets(np.arange(24), [ranks], half=4), x, x)
    seats = np.where(np.arange(4) < 3, ranks[:, :4], -1).astype(np.int32)
    shares = np.tile([0.5, 0.25, 0.25, 0.0], (24, 1))
    expanded = expand_rows(seats, shares, v)
    dense = v.toarray()
    np.testing.assert_allclose(
        expanded.toarray(), 0.5 * dense[seats[:, 0]] + 0.25 * (dense[seats[:, 1]] + dense[seats[:, 2]]), atol=1e-7
    )
    np.testing.assert_allclose(expanded.sum(axis=1), 1, atol=1e-6)
    assert expanded.has_sorted_indices
    assert expanded.dtype == np.float32


def test_any_rows_give_the_same_bytes(people):
    x = people(5, 9, noise=0.8)
    ranks = top_k(x, k=10)[0].astype(np.int32)
    rows = np.arange(45)

    def encode(part):
        return v_rows(reciprocal_sets(part, [ranks], half=5), x[part], x)

    whole = encode(rows)
    expanded = expand_rows(ranks[:, :3], np.full((45, 3), 1 / 3), whole)
    for cut in ([0, 45], [10, 11, 40]):
        parts = np.split(rows, cut)
        v = vstack([encode(p) for p in parts], format="csr")
        assert same(v, whole)
        assert same(vstack([expand_rows(ranks[p, :3], np.full((len(p), 3), 1 / 3), v) for p in parts], format="csr"), expanded)


def same(a: csr_array, b: csr_array) -> bool:
    return all(getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ("indptr", "indices", "data"))
