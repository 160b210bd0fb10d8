import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from raydist.neighbours.search.certified.candidates import (
    COLUMN,
    LOWEST,
    Candidates,
    capacity,
    max_kept,
    pack,
)
from raydist.neighbours.search.certified.selection import (
    add_hits,
    add_offsets,
    find_hits,
    lowest_label,
    raise_floors,
    sift_rows,
)


def offer(scores, rows, columns, k, block, rng):
    """Offer a whole matrix of scores, in blocks of any order."""
    cuts = [(r, c) for r in range(0, scores.shape[0], block) for c in range(0, scores.shape[1], block)]
    for r, c in rng.permutation(cuts).tolist():
        part = np.ascontiguousarray(scores[r : r + block, c : c + block])
        hits = np.empty((part.size, 2), np.int32)
        raise_floors(part, (0, part.shape[0], 0, part.shape[1]), rows, r, k)
        raise_floors(part.T.copy(), (0, part.shape[1], 0, part.shape[0]), columns, c, k)
        row_floor, column_floor = rows.floor[r : r + block], columns.floor[c : c + block]
        hits = hits[: find_hits(part, (0, part.shape[0], 0, part.shape[1]), row_floor, column_floor, hits)]
        add_hits(part, hits, 0, rows, (r, c), k, max_kept(k))
        add_hits(part, hits, 1, columns, (c, r), k, max_kept(k))


@settings(max_examples=40, deadline=None)
@example(seed=0, shape=(7, 48), k=1, block=20, slack=0.5, ties=True)  # with zeros of both signs
@given(
    seed=st.integers(0, 10**6), shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    k=st.integers(1, 6),
    block=st.integers(20, 400), slack=st.sampled_from([0.0, 0.01, 0.5]), ties=st.booleans(),
)  # fmt: skip
def test_every_other_column_scored_below_the_floor(seed, shape, k, block, slack, ties):
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal(shape).astype(np.float32)
    scores = np.round(scores) if ties else scores
    candidates = [Candidates.none_yet(np.full(n, slack), k) for n in shape]
    offer(scores, *candidates, k, block, rng)
    for side, table in zip(candidates, (scores, scores.T), strict=True):
        sift_rows(side, k, max_kept(k))
        for row, line in enumerate(table):
            chosen = side.packed[row, : side.size[row]] & COLUMN
            assert len(set(chosen.tolist())) == len(chosen) <= max(max_kept(k), capacity(k) - 1)
            assert np.array_equal(side.packed[row, : len(chosen)], pack(line[chosen], chosen))
            out = np.delete(line, chosen)
            assert (out < side.floor[row]).all()
            bar = np.sort(line)[-min(k, len(line))] - 2 * slack
            if (line >= bar - 1e-6).sum() <= max_kept(k) and len(line) >= k:
                assert set(np.flatnonzero(line >= bar)) <= set(chosen.tolist())


def test_floors_rise_to_about_the_kth_best_of_a_part_that_is_wide_enough():
    scores = np.random.default_rng(0).standard_normal((3, 200)).astype(np.float32)
    scores[1, 60:] = -np.inf  # fewer than k are left
    part, k = (0, 3, 50, 170), 20
    candidates = Candidates.none_yet(np.full(5, 0.25), k)
    candidates.floor[4] = 0  # it has a bound already
    raise_floors(scores, (0, 3, 50, 110), candidates, 2, k)  # too narrow
    assert candidates.floor.tolist() == [LOWEST] * 4 + [0]
    raise_floors(scores, part, candidates, 2, k)
    assert candidates.floor.tolist() == [LOWEST, LOWEST, candidates.floor[2], LOWEST, 0]
    bar = np.sort(scores[0, 50:170])[-k] - 0.5
    assert bar - 0.01 < candidates.floor[2] < bar


def test_there_are_no_candidates_where_none_are_wanted_and_excluded_pairs_are_none():
    scores = np.full((3, 80), -np.inf, np.float32)
    scores[0, 5] = -1e30
    rows, columns = Candidates.none_yet(np.zeros(3), 2), Candidates.none_yet(np.zeros(80), 0)
    offer(scores, rows, columns, 2, 100, np.random.default_rng(0))
    assert rows.size.tolist() == [1, 0, 0]
    assert columns.size.sum() == 0
    assert (rows.floor == LOWEST).all()


def test_a_part_of_a_block_leaves_the_rest_alone():
    scores = np.zeros((10, 200), np.float32)
    hits = np.empty((2000, 2), np.int32)
    count = find_hits(scores, (2, 4, 30, 171), np.zeros(10, np.float32), np.ones(200, np.float32), hits)
    assert hits[:count].tolist() == [[r, c] for r in (2, 3) for c in range(30, 171)]


def test_packed_candidates_sort_by_score_then_column():
    scores = np.array([-np.inf, -3.0, -1e-40, 0.0, 1e-40, 2.0, 2.0, 3e38], np.float32)
    packed = pack(scores, np.arange(8))
    assert (np.diff(packed) > 0).all()


def test_lowest_label():
    packed = pack(np.ones((2, 3), np.float32), np.array([[4, 2, 0], [1, 1, 1]]))
    assert lowest_label(packed, np.array([2, 0], np.int32), np.array([0, 9, 5, 9, 7])).tolist() == [5, 9]


@pytest.mark.parametrize("shape", [(1, 1), (5, 70)])
def test_offsets(shape):
    rng = np.random.default_rng(0)
    scores, left, right = (rng.integers(0, 9, n).astype(np.float32) for n in (shape, shape[0], shape[1]))
    expected = scores + left[:, None] + right
    add_offsets(scores, left, right)
    assert np.array_equal(scores, expected)


def test_the_two_zeros_are_one_score():
    scores, columns = np.array([0.0, -0.0], np.float32), np.arange(2)
    assert np.array_equal(pack(scores, columns) - columns, np.zeros(2, np.int64))
