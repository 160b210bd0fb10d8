import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from raydist.neighbours.search.exact import COLUMN
from raydist.neighbours.search.selection import (
    LOWEST,
    Seats,
    add_offsets,
    find_hits,
    lowest_label,
    most_kept,
    pack,
    room,
    sift_rows,
    take_seats,
)


def seat(scores, rows, columns, k, block, rng):
    """Offer a whole matrix of scores, in blocks of any order."""
    cuts = [(r, c) for r in range(0, scores.shape[0], block) for c in range(0, scores.shape[1], block)]
    for r, c in rng.permutation(cuts).tolist():
        part = np.ascontiguousarray(scores[r : r + block, c : c + block])
        hits = np.empty((part.size, 2), np.int32)
        row_floor, column_floor = rows.floor[r : r + block], columns.floor[c : c + block]
        hits = hits[: find_hits(part, (0, part.shape[0], 0, part.shape[1]), row_floor, column_floor, hits)]
        take_seats(part, hits, 0, rows, r, c, k, most_kept(k))
        take_seats(part, hits, 1, columns, c, r, k, most_kept(k))


@settings(max_examples=40, deadline=None)
@example(seed=0, shape=(7, 48), k=1, block=20, slack=0.5, ties=True)  # with zeros of both signs
@given(
    seed=st.integers(0, 10**6), shape=st.tuples(st.integers(1, 300), st.integers(1, 300)), k=st.integers(1, 6),
    block=st.integers(20, 400), slack=st.sampled_from([0.0, 0.01, 0.5]), ties=st.booleans(),
)  # fmt: skip
def test_who_is_left_out_scored_below_the_floor(seed, shape, k, block, slack, ties):
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal(shape).astype(np.float32)
    scores = np.round(scores) if ties else scores
    seats = [Seats.open(np.full(n, slack), k) for n in shape]
    seat(scores, *seats, k, block, rng)
    for side, table in zip(seats, (scores, scores.T), strict=True):
        sift_rows(side, k, most_kept(k))
        for row, line in enumerate(table):
            chosen = side.candidates[row, : side.taken[row]] & COLUMN
            assert len(set(chosen.tolist())) == len(chosen) <= max(most_kept(k), room(k) - 1)
            assert np.array_equal(side.candidates[row, : len(chosen)], pack(line[chosen], chosen))
            out = np.delete(line, chosen)
            assert (out < side.floor[row]).all()
            bar = np.sort(line)[-min(k, len(line))] - 2 * slack
            if (line >= bar - 1e-6).sum() <= most_kept(k) and len(line) >= k:
                assert set(np.flatnonzero(line >= bar)) <= set(chosen.tolist())


def test_nobody_is_seated_where_nobody_is_wanted_and_blank_pairs_never():
    scores = np.full((3, 80), -np.inf, np.float32)
    scores[0, 5] = -1e30
    rows, columns = Seats.open(np.zeros(3), 2), Seats.open(np.zeros(80), 0)
    seat(scores, rows, columns, 2, 100, np.random.default_rng(0))
    assert rows.taken.tolist() == [1, 0, 0]
    assert columns.taken.sum() == 0
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
    candidates = pack(np.ones((2, 3), np.float32), np.array([[4, 2, 0], [1, 1, 1]]))
    assert lowest_label(candidates, np.array([2, 0], np.int32), np.array([0, 9, 5, 9, 7])).tolist() == [5, 9]


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
