from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from raydist.errors import FeatureError
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import itself, merge_topk, similarities_of
from raydist.neighbours.search.raw import check_lengths, lists_by_distance
from raydist.neighbours.search.rows import Rows


def sorted_by_distance(x, k, *, allowed):
    """Ids by exact Euclidean distance, in whole fractions; equal ones by number."""
    exact = [[Fraction(float(value)) for value in row] for row in x]
    lists = np.full((len(x), k), -1)
    for i, own in enumerate(exact):
        others = [
            (sum((a - b) ** 2 for a, b in zip(own, other, strict=True)), j)
            for j, other in enumerate(exact)
            if j != i and allowed[i, j]
        ]
        ranked = [j for _, j in sorted(others)[:k]]
        lists[i, : len(ranked)] = ranked
    return lists


def any_length(num_rows, *, width=6, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((num_rows, width))
    x *= rng.uniform(0.2, 1, (num_rows, 1)) / np.linalg.norm(x, axis=1, keepdims=True)
    return x.astype(np.float32)


@pytest.mark.parametrize("precision", ["exact", "fp32", "auto"])
@pytest.mark.parametrize("num_groups", [1, 3])
def test_lists_are_those_of_exact_distances(precision, num_groups):
    x = any_length(90)
    x[17] = x[3]
    x[40] = x[3]
    group = np.arange(90) % num_groups
    rows = Rows(x, group=group)
    same = group[:, None] == group
    within, across = lists_by_distance(
        rows, rows, num_within=7, num_across=4, options=SearchOptions(precision=precision, block=32)
    )
    assert (within[0] == sorted_by_distance(x, 7, allowed=same)).all()
    assert (across[0] == sorted_by_distance(x, 4, allowed=~same)).all()


@pytest.mark.parametrize("starts", [[0, 90], [0, 10, 90], [0, 30, 31, 60, 90]])
def test_any_cut_gives_the_same_bytes(starts):
    x = any_length(90, seed=3)
    rows = [Rows(x[a:b], ids=np.arange(a, b)) for a, b in pairwise(starts)]
    whole = lists_by_distance(Rows(x), Rows(x), num_within=9, num_across=0)[0]
    for part in rows:
        lists = [lists_by_distance(part, other, num_within=9, num_across=0)[0] for other in rows]
        ids, scores = merge_topk(lists, k=9)
        assert (ids == whole[0][part.ids]).all()
        assert (scores == whole[1][part.ids]).all()


def test_a_hair_of_a_difference_decides():
    """Distances that differ by 1e-9, which one float32 coordinate for the length would not tell apart."""
    base = any_length(1, width=64, seed=5)[0]
    x = np.repeat(base[None], 40, axis=0)
    x[np.arange(1, 40), np.arange(1, 40)] = np.nextafter(x[0, 1:40], np.float32(2))
    rows = Rows(x)
    lists = lists_by_distance(rows, rows, num_within=12, num_across=0)[0]
    exact = sorted_by_distance(x, 12, allowed=np.ones((40, 40), bool))
    squares = ((x[:, None].astype(np.float64) - x[None]) ** 2).sum(axis=2)
    ours = np.take_along_axis(squares, lists[0], axis=1)
    assert np.abs(ours - np.take_along_axis(squares, exact, axis=1)).max() < 4e-15


def test_similarities_are_the_dot_products():
    x = any_length(30)
    squares = check_lengths(x)
    ranked = lists_by_distance(Rows(x), Rows(x), num_within=40, num_across=0)[0]
    ids, dots = similarities_of(ranked, squares)
    assert (ids[:, :29] >= 0).all()
    assert (ids[:, 29:] == -1).all()
    assert np.isneginf(dots[:, 29:]).all()
    expected = x.astype(np.float64) @ x.T.astype(np.float64)
    assert np.abs(dots[:, :29] - np.take_along_axis(expected, ids[:, :29], axis=1)).max() < 1e-14
    own = itself(np.array([4, 2]), squares)
    assert own[0].tolist() == [[4], [2]]
    assert own[1][:, 0] == pytest.approx([x[4] @ x[4], x[2] @ x[2]], abs=1e-6)


def test_rows_longer_than_one_are_refused():
    x = any_length(5)
    x[2] *= 1.5 / np.linalg.norm(x[2])
    with pytest.raises(FeatureError, match=r"1 of 5 features are longer than 1, up to 1\.5"):
        check_lengths(x)
    assert len(check_lengths(x[:0])) == 0
