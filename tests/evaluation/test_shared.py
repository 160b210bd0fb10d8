"""What several searches of a table share: equal to ranking each of them alone, and ranked once."""

from dataclasses import fields, replace

import numpy as np
import pytest

from raydist.evaluation import shared
from raydist.evaluation.directions import directions
from raydist.evaluation.protocols import find_protocol
from raydist.evaluation.ranking import rank_metrics
from raydist.evaluation.retrieval import scores, search_scores
from raydist.evaluation.shared import Rankings


@pytest.fixture
def calls(monkeypatch):
    """The numbers of queries and gallery rows of every ranking that is made."""
    made = []

    def counting(queries, gallery, **options):
        made.append((len(queries), len(gallery)))
        return rank_metrics(queries, gallery, **options)

    monkeypatch.setattr(shared, "rank_metrics", counting)
    return made


def same(one, other):
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize("seed", range(5))
def test_some_of_the_queries_have_the_metrics_that_they_have_alone(campus, calls, seed):
    queries, gallery = directions(campus)["infrared_to_visible"]
    identity = campus.identity.copy()
    identity[queries[1]] = 99  # a query that has no match
    table, protocol = replace(campus, identity=identity), find_protocol("buptcampus")
    some = np.sort(np.random.default_rng(seed).choice(queries, 3, replace=False))
    rankings = Rankings(table)
    rankings.metrics(protocol, query_rows=queries, gallery_rows=gallery)
    shared_metrics = rankings.metrics(protocol, query_rows=some, gallery_rows=gallery)
    assert len(calls) == 1
    alone = Rankings(table).metrics(protocol, query_rows=some, gallery_rows=gallery)
    same(shared_metrics, alone)
    assert alone.num_skipped == (queries[1] in some)


def test_another_gallery_rule_or_query_is_ranked_anew(campus, calls):
    queries, gallery = directions(campus)["infrared_to_visible"]
    rankings, plain = Rankings(campus), find_protocol("plain")
    rankings.metrics(plain, query_rows=queries[1:], gallery_rows=gallery)
    rankings.metrics(plain, query_rows=queries, gallery_rows=gallery)
    rankings.metrics(plain, query_rows=queries, gallery_rows=gallery[:-1])
    rankings.metrics(replace(plain, deduplicate=True), query_rows=queries, gallery_rows=gallery)
    rankings.metrics(find_protocol("same-camera-removed"), query_rows=queries, gallery_rows=gallery)
    assert len(calls) == 5


@pytest.mark.parametrize("protocol", ["sysu_mm01", "sysu_mm01_indoor"])
def test_both_searches_of_sysu_mm01_are_what_each_is_alone(image_features, calls, protocol):
    table = image_features("sysu_mm01")[1]
    both = search_scores(table, protocol)
    # The galleries of infrared images are those of both searches: ten draws and not twenty.
    assert len(calls) == 10 + 10 + 10
    (other,) = {"sysu_mm01", "sysu_mm01_indoor"} - {protocol}
    assert list(both.searches) == [other]
    assert both.retrieval == scores(table, protocol)
    assert both.searches[other] == scores(table, other)
    assert both.retrieval != both.searches[other]


def test_a_search_that_cannot_be_scored_is_left_out(image_features):
    table = image_features("sysu_mm01")[1]
    outdoor = table.take(np.flatnonzero(~np.isin(table.camera, ["cam1", "cam2"])))
    result = search_scores(outdoor, "sysu_mm01")
    assert result.searches == {}
    assert result.retrieval == scores(outdoor, "sysu_mm01")


@pytest.mark.parametrize("protocol", ["regdb", "llcm"])
def test_a_data_set_of_one_search_has_no_other(image_features, protocol):
    table = image_features(protocol)[1]
    result = search_scores(table, protocol)
    assert (result.retrieval, result.searches) == (scores(table, protocol), {})
