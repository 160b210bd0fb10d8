import dataclasses

import numpy as np
import pytest

from raydist.errors import ConfigError, DataError
from raydist.evaluation.directions import DIRECTIONS, directions
from raydist.evaluation.registry import PROTOCOLS
from raydist.evaluation.retrieval import Retrieval, _standard_error, evaluate, ranked_lists

FINE = {
    "rank1": 10.0, "rank5": 20.0, "rank10": 20.0, "rank20": 100.0, "map": 30.0, "minp": 5.0,
    "chance_map": 3.0, "map_error": 1.0, "num_queries": 10, "num_skipped": 0, "num_gallery": 7,
}  # fmt: skip


def oracle(table, queries, gallery, remove_same_camera):
    """Rank-1, rank-5, mAP, mINP in percent and the number of skipped queries, by loops."""
    first, precisions, inps, skipped = [], [], [], 0
    for q in queries:
        person, camera = table.identity[q], table.camera[q]
        candidates = [
            g
            for g in gallery
            if not (remove_same_camera and table.identity[g] == person and table.camera[g] == camera)
        ]
        candidates.sort(
            key=lambda g: -float(table.features[q].astype(float) @ table.features[g].astype(float))
        )
        ranks = [k for k, g in enumerate(candidates, 1) if table.identity[g] == person]
        if not ranks:
            skipped += 1
            continue
        first.append(ranks[0])
        precisions.append(np.mean([i / k for i, k in enumerate(ranks, 1)]))
        inps.append(len(ranks) / ranks[-1])
    first = np.array(first)
    return (
        100 * np.mean(first <= 1),
        100 * np.mean(first <= 5),
        100 * np.mean(precisions),
        100 * np.mean(inps),
        skipped,
    )


@pytest.mark.parametrize("protocol", ["hitsz_vcm", "plain"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_equals_the_loops(protocol, direction, vcm):
    result = evaluate(vcm, protocol)[direction]
    rank1, rank5, mean_precision, minp, skipped = oracle(
        vcm, *directions(vcm)[direction], protocol == "hitsz_vcm"
    )
    assert (result.rank1, result.rank5) == pytest.approx((rank1, rank5))
    assert (result.map, result.minp) == pytest.approx((mean_precision, minp))
    assert result.num_skipped == skipped
    assert result.num_queries + skipped == len(directions(vcm)[direction][0])
    assert result.num_gallery == len(directions(vcm)[direction][1])
    assert result == evaluate(vcm, PROTOCOLS.load(protocol))[direction]


def test_only_the_person_decides_not_the_file_order_or_names(campus):
    before = evaluate(campus, "buptcampus")
    place = np.random.default_rng(0).permutation(len(campus))
    after = evaluate(campus.take(place), "buptcampus")
    for direction in DIRECTIONS:
        assert after[direction].to_dict() == pytest.approx(before[direction].to_dict())


@pytest.mark.parametrize("protocol", ["hitsz_vcm", "plain"])
def test_the_numbers_of_the_identities_do_not_matter(protocol, vcm):
    people, person = np.unique(vcm.identity, return_inverse=True)
    numbers = np.random.default_rng(0).permutation(len(people)) * 1000
    before = evaluate(vcm, protocol)
    after = evaluate(dataclasses.replace(vcm, identity=numbers[person]), protocol)
    for direction in DIRECTIONS:
        assert after[direction].to_dict() == pytest.approx(before[direction].to_dict(), abs=1e-9)


def test_perfect_features(make_table):
    rows = [
        (s, m, c, pid)
        for pid in range(5)
        for s, m, c in (("query", "infrared", "A"), ("gallery", "visible", "B"))
    ]
    for result in evaluate(make_table(rows, np.eye(5)[[pid for *_, pid in rows]]), "hitsz_vcm").values():
        assert set(result.to_dict().values()) == {100.0}
        assert list(result.to_dict()) == ["rank1", "rank5", "rank10", "rank20", "map", "minp"]
        # one match among five candidates: the mean of 1/1 .. 1/5
        assert result.chance_map == pytest.approx(100 * np.mean(1 / np.arange(1, 6)))


def test_random_features_score_what_chance_says(make_table):
    rng = np.random.default_rng(5)
    rows = [("query", "infrared", "A", pid) for pid in range(40) for _ in range(8)]
    rows += [("gallery", "visible", "B", pid) for pid in range(40) for _ in range(5)]
    result = evaluate(make_table(rows, rng.normal(size=(len(rows), 32))), "plain")["infrared_to_visible"]
    assert result.map == pytest.approx(result.chance_map, rel=0.1)


def test_queries_seen_by_their_own_camera_only_are_skipped_and_counted(make_table):
    table = make_table(
        [
            ("query", "infrared", "A", 1),
            ("query", "infrared", "A", 2),
            ("query", "infrared", "A", 3),
            ("gallery", "visible", "A", 1),
            ("gallery", "visible", "B", 2),
        ]
    )
    result = evaluate(table, "hitsz_vcm")["infrared_to_visible"]
    assert (result.num_queries, result.num_skipped) == (1, 2)
    everything = evaluate(table, "plain")["infrared_to_visible"]
    assert (everything.num_queries, everything.num_skipped) == (2, 1)
    with pytest.raises(DataError, match="share 1 identity, but protocol hitsz_vcm removes every match"):
        evaluate(table.take(np.array([0, 2, 3])), "hitsz_vcm")


def test_the_official_quirk_loses_rows_and_matches(make_table):
    rows = [("query", m, "W4", pid) for pid in range(70) for m in ("visible", "infrared")]
    rows += [("gallery", m, "CQ1", pid) for pid in range(70) for m in ("visible", "infrared")]
    table = make_table(rows)
    official, complete = evaluate(table, "buptcampus_official"), evaluate(table, "buptcampus")
    assert official["visible_to_infrared"].num_queries == 64
    assert official["visible_to_infrared"].num_gallery == 70
    lost = official["infrared_to_visible"]
    assert (lost.num_queries, lost.num_skipped, lost.num_gallery) == (64, 6, 64)
    assert {r.num_queries for r in complete.values()} == {70}
    with pytest.raises(DataError, match="buptcampus_official leaves 1 of 1 query and 0 of 1"):
        evaluate(table.take(np.array([1, 0, 140, 141])), "buptcampus_official")


def test_missing_identities_and_unknown_names(vcm):
    with pytest.raises(DataError, match="none of the query and gallery tracklets has an identity"):
        evaluate(dataclasses.replace(vcm, identity=None), "plain")
    with pytest.raises(ConfigError, match="did you mean 'plain'"):
        evaluate(vcm, "plan")
    with pytest.raises(ConfigError, match="direction 'sideways'"):
        ranked_lists(vcm, "plain", "sideways", num_queries=1, top=1)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("map", float("nan"), "map nan"),
        ("minp", -1.0, "minp -1"),
        ("rank20", 101.0, "rank20 101"),
        ("rank1", 50.0, "deeper rank"),
        ("num_queries", 0, "0 queries"),
        ("num_skipped", -1, "-1 skipped"),
    ],
)
def test_a_result_checks_itself(field, value, message):
    Retrieval(**FINE)
    with pytest.raises(DataError, match=message):
        Retrieval(**{**FINE, field: value})


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_ranked_lists_agree_with_the_measures(direction, vcm):
    lists = ranked_lists(vcm, "hitsz_vcm", direction, num_queries=1000, top=1000)
    result = evaluate(vcm, "hitsz_vcm")[direction]
    assert len(lists) == result.num_queries
    assert 100 * np.mean([one.hits[0] for one in lists]) == pytest.approx(result.rank1)
    assert 100 * np.mean([one.average_precision for one in lists]) == pytest.approx(result.map)
    for one in lists:
        similarity = vcm.features[one.gallery_rows] @ vcm.features[one.query_row]
        assert (np.diff(similarity) <= 1e-6).all()
        np.testing.assert_array_equal(one.hits, vcm.identity[one.gallery_rows] == vcm.identity[one.query_row])
        assert not (one.hits & (vcm.camera[one.gallery_rows] == vcm.camera[one.query_row])).any()


def test_ranked_lists_are_few_and_short_and_spread(vcm):
    lists = ranked_lists(vcm, "plain", "infrared_to_visible", num_queries=3, top=5)
    queries = directions(vcm)["infrared_to_visible"][0]
    assert [one.query_row for one in lists] == [queries[0], queries[8], queries[-1]]
    assert {len(one.gallery_rows) for one in lists} == {5}
    assert ranked_lists(vcm, "plain", "infrared_to_visible", num_queries=0, top=5) == []


def test_the_standard_error_counts_people_not_queries():
    values = np.random.default_rng(0).random(40)
    each_alone = _standard_error(values, np.arange(40))
    assert each_alone == pytest.approx(np.std(values) / np.sqrt(40))
    doubled = _standard_error(np.repeat(values, 2), np.repeat(np.arange(40), 2))
    assert doubled == pytest.approx(each_alone)
