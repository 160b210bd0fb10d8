from collections import Counter

import numpy as np
import pytest

from raydist.association import votes as module
from raydist.association.votes import count_votes, greedy_matching
from raydist.errors import FeatureError
from raydist.neighbours.search.exact import exact_dot
from raydist.types import NOISE


def rows_of(seed, num_rows, num_groups, width=5):
    """Rows up to unit length, and their groups, every one of which has a row; some are noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_rows, width))
    x *= rng.uniform(0.5, 1, (num_rows, 1)) / np.linalg.norm(x, axis=1, keepdims=True)
    labels = rng.integers(-1, num_groups, num_rows) if num_groups else np.full(num_rows, NOISE)
    labels[:num_groups] = np.arange(num_groups)
    return x.astype(np.float32), labels


def counted_in_a_loop(left, right, labels, threshold):
    """Every pair by itself."""
    counts = np.zeros([of.max(initial=-1) + 1 for of in labels], np.int64)
    for x, a in zip(left, labels[0], strict=True):
        for y, b in zip(right, labels[1], strict=True):
            if a != NOISE and b != NOISE and exact_dot(x, y) >= threshold:
                counts[a, b] += 1
    return counts


def published_pairs(left, right, labels, threshold):
    """As published: all pairs of rows sorted by similarity, then pairs of labels by their number."""
    similarity = left.astype(np.float64) @ right.T.astype(np.float64)
    order = np.argsort(-similarity, axis=None, kind="stable")
    kept = [np.unravel_index(k, similarity.shape) for k in order if similarity.flat[k] >= threshold]
    numbers = Counter((int(labels[0][i]), int(labels[1][j])) for i, j in kept)
    pairs = {}
    for (a, b), _ in numbers.most_common():
        if a != NOISE and b != NOISE and a not in pairs and b not in pairs.values():
            pairs[a] = b
    return pairs, numbers


@pytest.mark.parametrize("num_left", range(7))
@pytest.mark.parametrize("num_right", range(7))
@pytest.mark.parametrize("threshold", [-0.2, 0.3, 0.95])
def test_counts_are_those_of_a_loop_over_all_pairs(num_left, num_right, threshold):
    (x, of_x), (y, of_y) = rows_of(1, 40, num_left), rows_of(2, 30, num_right)
    found = count_votes(x, y, labels=(of_x, of_y), threshold=threshold)
    assert found.shape == (num_left, num_right)
    assert found.dtype == np.int64
    assert (found.data > 0).all()
    assert found.has_canonical_format
    assert np.array_equal(found.toarray(), counted_in_a_loop(x, y, (of_x, of_y), threshold))


@pytest.mark.parametrize("num_left", range(7))
@pytest.mark.parametrize("num_right", range(7))
def test_the_matching_is_the_published_one_where_no_two_pairs_have_equally_many_votes(num_left, num_right):
    for seed in range(4):
        (x, of_x), (y, of_y) = rows_of(seed, 60, num_left), rows_of(seed + 50, 50, num_right)
        pairs, numbers = published_pairs(x, y, (of_x, of_y), 0.2)
        counts = np.zeros((num_left, num_right), np.int64)
        for (a, b), number in numbers.items():
            if a != NOISE and b != NOISE:
                counts[a, b] = number
        matching = greedy_matching(count_votes(x, y, labels=(of_x, of_y), threshold=0.2))
        if len(set(counts[counts > 0].tolist())) == (counts > 0).sum():
            assert matching.visible_to_infrared.tolist() == [pairs.get(a, -1) for a in range(num_left)]
        assert matching.visible_to_infrared.tolist() == matched_one_by_one(counts)[0]
        assert matching.infrared_to_visible.tolist() == matched_one_by_one(counts)[1]


def matched_one_by_one(counts):
    """Take the pair of most votes again and again, the first of equal ones, and strike out both of it."""
    counts, of_left, of_right = counts.copy(), [-1] * counts.shape[0], [-1] * counts.shape[1]
    while counts.size and counts.max() > 0:
        a, b = divmod(int(counts.argmax()), counts.shape[1])
        of_left[a], of_right[b] = b, a
        counts[a], counts[:, b] = 0, 0
    return of_left, of_right


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6)])
def test_of_equally_many_votes_the_lower_numbers_come_first(most, shape):
    for seed in range(20):
        counts = np.random.default_rng(seed).integers(0, most + 1, shape)
        matching = greedy_matching(module.csr_array(counts))
        assert [side.tolist() for side in matching] == list(matched_one_by_one(counts))
        of_left = matching.visible_to_infrared
        assert all(matching.infrared_to_visible[b] == a for a, b in enumerate(of_left) if b >= 0)


def test_a_stored_zero_is_no_vote():
    counts = module.csr_array((np.array([0, 2]), ([0, 0], [0, 1])), shape=(2, 2))
    assert greedy_matching(counts).visible_to_infrared.tolist() == [1, -1]


def near_a_threshold(num_rows, width, seed):
    """Rows whose similarities are all within the rounding of a float32 product of one half."""
    half = np.random.default_rng(0).normal(size=width)
    half *= 0.5**0.5 / np.linalg.norm(half)
    noise = np.random.default_rng(seed).normal(size=(num_rows, width))
    return (half + 1e-7 * noise / width**0.5).astype(np.float32)


@pytest.mark.parametrize("width", [1, 3, 64, 300])
def test_pairs_at_the_threshold_are_decided_exactly(width):
    left, right = near_a_threshold(60, width, 1), near_a_threshold(50, width, 2)
    labels = np.arange(60) % 4, np.arange(50) % 3
    wanted = counted_in_a_loop(left, right, labels, 0.5)
    assert 0 < wanted.sum() < 60 * 50  # some are above and some below
    if width > 3:  # and a float32 product confuses them
        assert (left @ right.T >= 0.5).sum() != wanted.sum()
    assert np.array_equal(count_votes(left, right, labels=labels, threshold=0.5).toarray(), wanted)


def test_a_similarity_of_the_threshold_itself_votes():
    x = np.array([[0.5, 0.5]], np.float32)
    found = count_votes(x, 2 * x[:, ::-1], labels=(np.zeros(1, int), np.zeros(1, int)), threshold=1.0)
    assert found.toarray().tolist() == [[1]]
    below = np.nextafter(np.float32(0.5), np.float32(0))
    less = np.array([[below, below]], np.float32)
    assert not count_votes(less, 2 * x, labels=(np.zeros(1, int),) * 2, threshold=1.0).nnz


@pytest.mark.parametrize("blocks", [(1, 1), (7, 3), (512, 5)])
def test_counts_do_not_depend_on_blocks_and_parts_add_up(monkeypatch, blocks):
    (x, of_x), (y, of_y) = rows_of(3, 50, 6, width=80), rows_of(4, 40, 5, width=80)
    x[:9], y[:9] = near_a_threshold(9, 80, 5), near_a_threshold(9, 80, 6)
    whole = count_votes(x, y, labels=(of_x, of_y), threshold=0.5)
    monkeypatch.setattr(module, "_LEFT_BLOCK", blocks[0])
    monkeypatch.setattr(module, "_RIGHT_BLOCK", blocks[1])
    assert same(count_votes(x, y, labels=(of_x, of_y), threshold=0.5), whole)
    parts = [
        count_votes(x[a], y[b], labels=(of_x[a], of_y[b]), threshold=0.5, shape=whole.shape)
        for a in (slice(0, 0), slice(0, 13), slice(13, 50))
        for b in (slice(0, 30), slice(30, 40))
    ]
    assert same(sum(parts[1:], parts[0]), whole)


def same(one, other):
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ("data", "indices", "indptr"))


def test_the_order_of_rows_does_not_matter():
    (x, of_x), (y, of_y) = rows_of(5, 50, 6), rows_of(6, 40, 5)
    shuffled = np.random.default_rng(0).permutation(50)
    found = count_votes(x[shuffled], y, labels=(of_x[shuffled], of_y), threshold=0.4)
    assert same(found, count_votes(x, y, labels=(of_x, of_y), threshold=0.4))
    back = count_votes(y, x, labels=(of_y, of_x), threshold=0.4)
    assert np.array_equal(back.toarray().T, found.toarray())


def test_what_cannot_be_compared_is_refused():
    labels = np.zeros(2, int), np.zeros(2, int)
    x = np.ones((2, 3), np.float32)
    with pytest.raises(FeatureError, match="NaN"):
        count_votes(x, np.full_like(x, np.nan), labels=labels, threshold=0.5)
    with pytest.raises(FeatureError, match="wide"):
        count_votes(x, x[:, :2], labels=labels, threshold=0.5)
