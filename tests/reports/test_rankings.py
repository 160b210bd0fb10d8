from dataclasses import replace

import numpy as np
import pytest

from raydist.evaluation.directions import directions
from raydist.evaluation.retrieval import RankedList
from raydist.reports.rankings import NUM_RANKS, NUM_SHOWN, best_to_worst, rankings


def ranked(row, precision):
    return RankedList(row, np.zeros(0, np.int64), precision, np.zeros(0, bool))


@pytest.mark.parametrize("direction", ["infrared_to_visible", "visible_to_infrared"])
def test_rankings_are_those_of_the_features(table, make_frames, direction):
    ranked_queries = rankings(table, make_frames(len(table)), protocol="plain", direction=direction)
    query_rows, gallery_rows = directions(table)[direction]
    row_of = {name: row for row, name in enumerate(table.tracklet_id)}
    assert len(ranked_queries) == NUM_SHOWN
    for ranking in ranked_queries:
        query = row_of[ranking.query.tracklet_id]
        assert query in query_rows
        similarity = table.features[gallery_rows].astype(float) @ table.features[query]
        order = gallery_rows[np.argsort(-similarity)]
        hits = table.identity[order] == table.identity[query]
        ranks = np.flatnonzero(hits) + 1
        assert [sight.tracklet_id for sight, *_ in ranking.gallery] == [
            str(name) for name in table.tracklet_id[order[:NUM_RANKS]]
        ]
        assert [hit for _, hit, _ in ranking.gallery] == hits[:NUM_RANKS].tolist()
        assert [ranked.similarity for ranked in ranking.gallery] == pytest.approx(
            np.sort(similarity)[::-1][:NUM_RANKS]
        )
        assert ranking.average_precision == pytest.approx(100 * np.mean(np.arange(1, len(ranks) + 1) / ranks))


def test_queries_run_from_the_best_to_the_worst(table, make_frames):
    ranked_queries = rankings(
        table, make_frames(len(table)), protocol="plain", direction="infrared_to_visible"
    )
    precision = [ranking.average_precision for ranking in ranked_queries]
    assert precision == sorted(precision, reverse=True)
    assert precision[0] > precision[-1]


def test_what_is_known_of_a_tracklet_is_its_own(table, make_frames):
    for ranking in rankings(
        table, make_frames(len(table)), protocol="plain", direction="visible_to_infrared"
    ):
        for sight, modality in (
            (ranking.query, "visible"),
            *((sight, "infrared") for sight, *_ in ranking.gallery),
        ):
            assert sight.modality == modality
            assert sight.camera == table.camera[table.tracklet_id == sight.tracklet_id][0]


def test_the_best_and_the_worst_are_among_the_chosen():
    lists = [ranked(row, precision) for row, precision in enumerate((0.2, 0.9, 0.1, 0.5, 0.9))]
    assert [one.query_row for one in best_to_worst(lists, 3)] == [1, 3, 2]
    assert [one.query_row for one in best_to_worst(lists, 8)] == [1, 4, 3, 0, 2]
    assert [one.query_row for one in best_to_worst(lists[::-1], 8)] == [1, 4, 3, 0, 2]


def test_without_a_protocol_nothing_is_marked(table, make_frames):
    blind = replace(table, identity=None)
    shown = rankings(blind, make_frames(len(table)), protocol=None, direction="infrared_to_visible")
    marked = rankings(table, make_frames(len(table)), protocol="plain", direction="infrared_to_visible")
    assert len(shown) == NUM_SHOWN
    assert {ranking.average_precision for ranking in shown} == {None}
    assert {hit for ranking in shown for _, hit, _ in ranking.gallery} == {None}
    gallery = {r.query.tracklet_id: [sight.tracklet_id for sight, *_ in r.gallery] for r in marked}
    both = [r for r in shown if r.query.tracklet_id in gallery]
    assert both
    for ranking in both:
        assert [sight.tracklet_id for sight, *_ in ranking.gallery] == gallery[ranking.query.tracklet_id]
