import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.errors import DataError
from raydist.evaluation.directions import DIRECTIONS
from raydist.evaluation.obstacles import find_obstacle, require_scorable, unscored_searches
from raydist.evaluation.protocols import find_protocol
from raydist.evaluation.registry import PROTOCOLS
from raydist.evaluation.retrieval import evaluate, ranked_lists, unmarked_lists
from raydist.types import FeatureTable, Modality


def table_of(rows):
    """Features that are all one, of rows (split, modality, camera, identity)."""
    split, modality, camera, identity = zip(*rows, strict=True)
    return FeatureTable(
        np.ones((len(rows), 1), np.float32),
        np.array([f"t{number}" for number in range(len(rows))]),
        np.array([Modality.parse(name) for name in modality], np.int8),
        np.array(camera),
        np.array(identity, np.int64),
        np.array(split),
    )


def has_match(table, direction, same_camera_removed):
    """By loops: whether any query has a row of its person that is left in its gallery."""
    asking, asked = DIRECTIONS[direction]
    for splits in (("query", "gallery"), ("gallery", "query")):
        sides = [
            [r for r in range(len(table)) if table.split[r] == split and table.modality[r] == modality]
            for split, modality in zip(splits, (asking, asked), strict=True)
        ]
        if all(sides):
            return any(
                table.identity[q] == table.identity[g] != -1
                and not (same_camera_removed and table.camera[q] == table.camera[g])
                for q in sides[0]
                for g in sides[1]
            )
    return False


ROW = st.tuples(
    st.sampled_from(["query", "gallery", "train"]),
    st.sampled_from(["visible", "infrared"]),
    st.sampled_from(["A", "B"]),
    st.integers(-1, 3),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(ROW, min_size=1, max_size=12), st.sampled_from(["plain", "hitsz_vcm"]))
def test_refuses_exactly_what_has_no_match_in_a_direction(rows, protocol):
    table = table_of(rows)
    scorable = all(has_match(table, direction, protocol == "hitsz_vcm") for direction in DIRECTIONS)
    assert (find_obstacle(table, protocol) is None) == scorable
    if scorable:
        evaluate(table, protocol)
    else:
        with pytest.raises(DataError):
            evaluate(table, protocol)


@pytest.mark.parametrize(
    ("rows", "reason", "message"),
    [
        ([("train", "visible", "A", 1)], "no queries", "no row has split 'query'"),
        (
            [("query", "infrared", "A", 1), ("gallery", "infrared", "B", 1)],
            "no queries",
            "cross-modality needs both modalities",
        ),
        (
            [("query", "infrared", "A", -1), ("gallery", "visible", "B", -1)],
            "no identities",
            "training, embedding and clustering need no identities",
        ),
        (
            [
                ("train", "visible", "A", 1),
                ("train", "infrared", "B", 1),
                ("query", "infrared", "A", -1),
                ("gallery", "visible", "B", -1),
            ],
            "no identities",
            "none of the query and gallery tracklets has an identity",
        ),
        (
            [("query", "infrared", "A", 1), ("gallery", "visible", "B", 2), ("gallery", "visible", "B", -1)],
            "no common identity",
            "queries (1 identity in 1 row) and gallery (1 identity in 2 rows) have no identity in common",
        ),
        (
            [("query", "infrared", "A", 1), ("gallery", "visible", "A", 1)],
            "removed by the protocol",
            "take the protocol plain",
        ),
    ],
)
def test_says_which_reason_holds_and_what_to_do(rows, reason, message):
    obstacle = find_obstacle(table_of(rows), "same-camera-removed")
    assert obstacle.reason == reason
    assert message in obstacle.message
    with pytest.raises(DataError, match=re.escape(obstacle.message)):
        require_scorable(table_of(rows), "same-camera-removed")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_protocol_is_named_and_not_explained_in_the_message(protocol):
    """One direction has no gallery row that the protocols of cameras take, or no match."""
    cameras = ("cam3", "cam2") if "sysu" in protocol else ("A", "A")
    rows = [("query", "infrared", cameras[0], 1), ("gallery", "visible", cameras[1], 1)]
    obstacle = find_obstacle(table_of(rows), protocol)
    if obstacle is not None:
        assert obstacle.reason == "removed by the protocol"
        assert protocol in obstacle.message
        assert find_protocol(protocol).rule not in obstacle.message
        assert len(obstacle.message) < 300
    lenient = {"plain", "buptcampus", "regdb"}
    assert (obstacle is None) == (protocol in lenient)


def test_features_without_the_column_of_identities():
    table = table_of([("query", "infrared", "A", 1), ("gallery", "visible", "A", 1)])
    assert find_obstacle(table, "plain") is None
    assert find_obstacle(dataclasses.replace(table, identity=None), "plain").reason == "no identities"


def test_a_large_gallery_of_one_camera_is_not_ranked():
    """Of 20,000 x 20,000 rows only one of each person and camera is looked at."""
    count = 20_000
    rows = [("query", "infrared", "A", n % 50) for n in range(count)]
    table = table_of(rows + [("gallery", "visible", "A", n % 50) for n in range(count)])
    assert find_obstacle(table, "hitsz_vcm").reason == "removed by the protocol"
    assert find_obstacle(table, "plain") is None


def test_lists_without_marks_hold_the_same_rows_as_those_that_are_scored(vcm):
    marked = ranked_lists(vcm, "plain", "infrared_to_visible", num_queries=10**6, top=5)
    plain = unmarked_lists(
        dataclasses.replace(vcm, identity=None), "infrared_to_visible", num_queries=10**6, top=5
    )
    by_query = {one.query_row: one.gallery_rows.tolist() for one in plain}
    assert {one.query_row: one.gallery_rows.tolist() for one in marked}.items() <= by_query.items()
    assert all(one.hits is None and one.average_precision is None for one in plain)


def test_a_search_that_is_left_out_has_its_reason(image_features):
    table = image_features("sysu_mm01")[1]
    assert unscored_searches(table, "sysu_mm01") == {}
    outdoor = table.take(np.flatnonzero(~np.isin(table.camera, ["cam1", "cam2"])))
    assert find_obstacle(outdoor, "sysu_mm01") is None
    (reason,) = unscored_searches(outdoor, "sysu_mm01").items()
    assert reason == ("sysu_mm01_indoor", find_obstacle(outdoor, "sysu_mm01_indoor").message)
