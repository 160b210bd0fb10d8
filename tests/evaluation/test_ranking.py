import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.errors import DataError, FeatureError
from raydist.evaluation.ranking import (
    RANKS,
    expected_average_precision,
    mean_metrics,
    person_rank,
    rank_gallery,
    rank_metrics,
    score_hits,
)
from raydist.types import UNKNOWN_IDENTITY


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def keep_all(num_gallery):
    return lambda rows: np.zeros((len(rows), num_gallery), bool)


def oracle(queries, gallery, query_identity, gallery_identity, ignored):
    """The measures of every valid query, by loops: {query: (AP, INP, CMC, matches, candidates)}."""
    scores = {}
    for q in range(len(queries)):
        candidates = [g for g in range(len(gallery)) if not ignored[q, g]]
        similarity = {
            g: round(float(np.dot(queries[q].astype(float), gallery[g].astype(float))), 9) for g in candidates
        }
        ranked = sorted(candidates, key=lambda g: (-similarity[g], g))
        ranks = [
            k for k, g in enumerate(ranked, 1) if gallery_identity[g] == query_identity[q] != UNKNOWN_IDENTITY
        ]
        if ranks:
            precision = sum(i / k for i, k in enumerate(ranks, 1)) / len(ranks)
            scores[q] = (
                precision,
                len(ranks) / ranks[-1],
                [ranks[0] <= k for k in RANKS],
                len(ranks),
                len(candidates),
            )
    return scores


def problem(seed, num_queries=13, num_gallery=29, width=3, num_people=5, duplicates=True):
    rng = np.random.default_rng(seed)
    gallery = unit(rng.normal(size=(num_gallery, width)))
    if duplicates:
        gallery = gallery[rng.integers(num_gallery, size=num_gallery)]
    queries = unit(rng.normal(size=(num_queries, width)))
    query_identity = rng.integers(-1, num_people + 1, size=num_queries)
    gallery_identity = rng.integers(-1, num_people, size=num_gallery)
    ignored = rng.random((num_queries, num_gallery)) < 0.3
    return queries, gallery, query_identity, gallery_identity, ignored


def metrics_of(queries, gallery, query_identity, gallery_identity, ignored, **options):
    return rank_metrics(
        queries,
        gallery,
        query_identity=query_identity,
        gallery_identity=gallery_identity,
        ignore=lambda rows: ignored[rows],
        **options,
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("block", [None, 1, 4, 100])
def test_equals_the_loops(seed, block):
    case = problem(seed)
    expected = oracle(*case)
    metrics = metrics_of(*case, block=block)
    assert metrics.query.tolist() == list(expected)
    assert metrics.num_skipped == 13 - len(expected)
    for i, (precision, inp, cmc, num_relevant, num_candidates) in enumerate(expected.values()):
        assert metrics.average_precision[i] == pytest.approx(precision, abs=1e-12)
        assert metrics.inp[i] == pytest.approx(inp, abs=1e-12)
        assert metrics.cmc[i].tolist() == cmc
        assert (metrics.num_relevant[i], metrics.num_candidates[i]) == (num_relevant, num_candidates)


def test_blocks_never_hold_more_queries_than_asked():
    queries, gallery, query_identity, gallery_identity, ignored = problem(0)
    sizes = []

    def ignore(rows):
        sizes.append(len(rows))
        return ignored[rows]

    rank_metrics(
        queries,
        gallery,
        query_identity=query_identity,
        gallery_identity=gallery_identity,
        ignore=ignore,
        block=5,
    )
    assert sizes == [5, 5, 3]


def test_average_precision_by_hand():
    # matches at ranks 1, 3 and 6: (1/1 + 2/3 + 3/6) / 3
    hits = np.array([[1, 0, 1, 0, 0, 1, 0]], bool)
    precision, inp, cmc = score_hits(hits)
    assert precision[0] == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    assert inp[0] == pytest.approx(3 / 6)
    assert cmc.tolist() == [[True, True, True, True]]


def test_repeated_identities_are_not_merged():
    # the ordinary CMC: [wrong A, wrong A, right] is found at rank 3, not 2
    _, _, cmc = score_hits(np.array([[0] * 5 + [1] + [0] * 20], bool))
    assert cmc.tolist() == [[False, False, True, True]]


def test_repeated_identities_are_merged_on_request():
    # [wrong A, wrong A, right]: the image is the third, the person the second
    order, person = np.array([[0, 1, 2]]), np.array([7])
    _, _, ordinary = score_hits(np.array([[False, False, True]]))
    assert not ordinary[0, RANKS.index(1)]
    assert person_rank(order, person, np.array([4, 4, 7])) == [2]
    assert person_rank(order, person, np.array([4, 5, 7])) == [3]
    assert person_rank(order, person, np.array([7, 4, 7])) == [1]
    # nobody knows whether two unknown persons are one
    assert person_rank(order, person, np.array([UNKNOWN_IDENTITY, UNKNOWN_IDENTITY, 7])) == [3]


def test_merging_lifts_the_cmc_and_leaves_the_precision():
    # five images of A, then the right one: rank 6 of images, rank 2 of persons
    features = unit(np.stack([np.cos(np.arange(6) / 10), np.sin(np.arange(6) / 10)], axis=1))
    case = features[:1], features, np.array([7]), np.array([4, 4, 4, 4, 4, 7]), np.zeros((1, 6), bool)
    assert metrics_of(*case).cmc.tolist() == [[False, False, True, True]]
    merged = metrics_of(*case, deduplicate=True)
    assert merged.cmc.tolist() == [[False, True, True, True]]
    assert merged.average_precision == merged.inp == pytest.approx(1 / 6)


@pytest.mark.parametrize("seed", range(6))
def test_the_merged_cmc_equals_the_loops(seed):
    queries, gallery, query_identity, gallery_identity, ignored = problem(seed, num_gallery=60, num_people=25)
    case = queries, gallery, query_identity, gallery_identity, ignored
    plain, merged = metrics_of(*case), metrics_of(*case, deduplicate=True, block=4)
    assert merged.query.size
    for i, q in enumerate(merged.query):
        order = rank_gallery(queries[[q]], gallery, ignored=ignored[[q]])[0]
        people = []
        for g in order[~ignored[q, order]]:
            unknown = gallery_identity[g] == UNKNOWN_IDENTITY
            if unknown or gallery_identity[g] not in people:
                people.append(f"unknown {g}" if unknown else gallery_identity[g])
        rank = people.index(query_identity[q]) + 1
        assert merged.cmc[i].tolist() == [rank <= k for k in RANKS]
    assert (merged.cmc >= plain.cmc).all()
    assert (merged.cmc != plain.cmc).any()
    np.testing.assert_array_equal(merged.average_precision, plain.average_precision)
    np.testing.assert_array_equal(merged.inp, plain.inp)


def test_the_mean_of_galleries():
    case = problem(3)
    one, other = metrics_of(*case), metrics_of(unit(case[0] + 0.3), *case[1:])
    mean = mean_metrics([one, other])
    np.testing.assert_allclose(mean.average_precision, (one.average_precision + other.average_precision) / 2)
    np.testing.assert_allclose(mean.inp, (one.inp + other.inp) / 2)
    np.testing.assert_allclose(mean.cmc, (one.cmc.astype(float) + other.cmc) / 2)
    assert not np.array_equal(one.average_precision, other.average_precision)
    alone = mean_metrics([one])
    for name in ("query", "average_precision", "inp", "cmc", "num_relevant", "num_candidates"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(one, name))


def test_perfect_and_worst():
    features = np.eye(4, dtype=np.float32)
    who = np.arange(4)
    perfect = rank_metrics(features, features, query_identity=who, gallery_identity=who, ignore=keep_all(4))
    assert perfect.average_precision.tolist() == perfect.inp.tolist() == [1.0] * 4
    assert perfect.cmc.all()
    gallery = unit(np.array([[1.0, 0.0]] * 24 + [[-1.0, 0.0]]))
    last = np.array([0] * 24 + [1])
    worst = rank_metrics(
        gallery[:1], gallery, query_identity=np.array([1]), gallery_identity=last, ignore=keep_all(25)
    )
    assert worst.average_precision[0] == worst.inp[0] == pytest.approx(1 / 25)
    assert not worst.cmc.any()


def test_ties_go_to_the_earlier_gallery_row():
    gallery = unit(np.ones((6, 5)) + 0.0)
    ignored = np.array([[False, True, False, False, False, False]])
    assert rank_gallery(gallery[:1], gallery, ignored=ignored).tolist() == [[0, 2, 3, 4, 5, 1]]


@pytest.mark.parametrize("width", [3, 64, 1000])
def test_equal_features_tie_whatever_their_place(width):
    rng = np.random.default_rng(width)
    one = unit(rng.normal(size=(1, width)))
    order = rank_gallery(
        unit(rng.normal(size=(7, width))), np.repeat(one, 37, axis=0), ignored=np.zeros((7, 37), bool)
    )
    assert (order == np.arange(37)).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_permuting_the_gallery_changes_nothing(seed):
    queries, gallery, query_identity, gallery_identity, ignored = problem(seed, duplicates=False)
    query_identity[0], gallery_identity[0], ignored[0, 0] = 0, 0, False
    place = np.random.default_rng(seed).permutation(len(gallery))
    before = metrics_of(queries, gallery, query_identity, gallery_identity, ignored)
    after = metrics_of(queries, gallery[place], query_identity, gallery_identity[place], ignored[:, place])
    np.testing.assert_allclose(before.average_precision, after.average_precision, atol=1e-12)
    np.testing.assert_allclose(before.inp, after.inp, atol=1e-12)


def test_a_gallery_smaller_than_the_deepest_rank():
    features = unit(np.array([[1.0, 0.1], [1.0, 0.0], [0.0, 1.0]]))
    metrics = rank_metrics(
        features[:1],
        features[1:],
        query_identity=np.array([5]),
        gallery_identity=np.array([4, 5]),
        ignore=keep_all(2),
    )
    assert metrics.cmc.tolist() == [[False, True, True, True]]


def test_unknown_identities_match_nobody():
    features = np.eye(2, dtype=np.float32)
    who = np.array([UNKNOWN_IDENTITY, 3])
    metrics = rank_metrics(features, features, query_identity=who, gallery_identity=who, ignore=keep_all(2))
    assert metrics.query.tolist() == [1]
    assert metrics.num_skipped == 1


@pytest.mark.parametrize("num_gallery", [0, 3])
def test_no_match_at_all(num_gallery):
    queries = np.eye(3, dtype=np.float32)
    who = np.arange(3)
    with pytest.raises(DataError, match="none of the 3 queries has a match"):
        rank_metrics(
            queries,
            queries[:num_gallery],
            query_identity=who,
            gallery_identity=who[:num_gallery] + 10,
            ignore=keep_all(num_gallery),
        )


def test_widths_differ():
    with pytest.raises(FeatureError, match="width 3, gallery of width 2"):
        rank_metrics(
            np.eye(3, dtype=np.float32),
            np.eye(2, dtype=np.float32),
            query_identity=np.arange(3),
            gallery_identity=np.arange(2),
            ignore=keep_all(2),
        )


@pytest.mark.parametrize(
    ("num_relevant", "num_candidates"), [(1, 1), (1, 7), (3, 7), (7, 7), (2, 40), (13, 40)]
)
def test_chance_equals_the_mean_of_random_orders(num_relevant, num_candidates):
    rng = np.random.default_rng(num_relevant * 100 + num_candidates)
    hits = np.zeros((20_000, num_candidates), bool)
    hits[:, :num_relevant] = True
    precision, _, _ = score_hits(rng.permuted(hits, axis=1))
    error = 5 * precision.std() / np.sqrt(len(hits)) + 1e-12
    assert expected_average_precision(np.array([num_relevant]), np.array([num_candidates]))[
        0
    ] == pytest.approx(precision.mean(), abs=error)
