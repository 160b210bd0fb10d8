"""Answers of a gallery of features alone; that of a run is served in tests/distributed."""

import json

import numpy as np
import pytest

from raydist.api.query import Asked
from raydist.api.selection import Selection
from raydist.gallery.exchange import Request
from raydist.gallery.gallery import Gallery
from raydist.gallery.site import Site
from raydist.types import Modality

HERE = {"host": "127.0.0.1:8501"}


def test_matches_are_those_of_the_search(ask, table):
    for row in (0, 3, 39):
        status, found = ask("/api/matches", f"row={row}&top=9&modality=other")
        asked = Asked.of_row(table, row)
        expected = asked.matches(Selection(asked.modality.other), top=9, least=None)
        assert status == 200
        assert [(one["tracklet_id"], one["similarity"], one["same_person"]) for one in found["matches"]] == [
            (match.tracklet_id, match.similarity, match.same_person) for match in expected
        ]
        assert found["searched"] == 20
        assert found["query"]["row"] == row


def test_a_feature_finds_what_its_row_does_and_the_row(ask, table):
    body = table.features[3].tobytes()
    _, found = ask("/api/matches", "of=infrared&modality=any&top=5", body)
    _, of_row = ask("/api/matches", "row=3&modality=any&top=4")
    assert found["query"] is None
    assert found["matches"][0]["row"] == 3
    assert [one["row"] for one in found["matches"][1:]] == [one["row"] for one in of_row["matches"]]
    assert {one["same_person"] for one in found["matches"]} == {None}


def test_filters_narrow_the_matches(ask):
    _, found = ask("/api/matches", "row=4&modality=any&camera=door%201&camera=door%202")
    assert {one["camera"] for one in found["matches"]} == {"door 1", "door 2"}
    _, found = ask("/api/matches", "row=4&modality=any&cluster=3&top=2")
    assert [one["cluster"] for one in found["matches"]] == [3, 3]
    assert found["searched"] == 3  # the query is of that cluster too
    _, found = ask("/api/matches", "row=4&modality=visible&cluster=77")
    assert (found["matches"], found["searched"]) == ([], 0)
    _, found = ask("/api/matches", "row=4&modality=any&least=0.5")
    assert found["matches"]
    assert min(one["similarity"] for one in found["matches"]) >= 0.5
    assert found["rates"]["similarity"] == 0.5
    _, found = ask("/api/matches", "row=4&modality=any&after=2026-03-01T08:40&before=2026-03-01T08:42")
    assert {one["row"] for one in found["matches"]} == {10, 11}


def test_the_list_comes_in_pages(ask):
    _, first = ask("/api/tracklets", "number=25")
    _, second = ask("/api/tracklets", "number=25&start=25")
    rows = [one["row"] for one in first["tracklets"] + second["tracklets"]]
    assert (first["total"], rows) == (40, list(range(40)))
    _, last = ask("/api/tracklets", "start=40")
    assert last["tracklets"] == []
    _, named = ask("/api/tracklets", "text=%3Cscript&modality=any")
    assert [one["tracklet_id"] for one in named["tracklets"]] == ["<script>alert(1)</script>"]


def test_a_pair_says_what_is_known_of_both(ask, table):
    _, pair = ask("/api/pair", "row=3&with=13")
    assert (pair["query"]["tracklet_id"], pair["match"]["tracklet_id"]) == ("walk/03", "walk/13")
    expected = float(table.features[3].astype(float) @ table.features[13].astype(float))
    assert pair["match"]["similarity"] == pytest.approx(expected, abs=1e-5)
    assert pair["match"]["same_person"] is True
    assert ask("/api/pair", "row=3&with=4")[1]["match"]["same_person"] is False
    assert ask("/api/pair", "row=9&with=39")[1]["match"]["same_person"] is None


def test_the_facts_say_what_the_page_offers(ask):
    _, facts = ask("/api/facts")
    assert (facts["tracklets"], facts["frames"], facts["upload"]) == (
        {"visible": 20, "infrared": 20},
        False,
        False,
    )
    assert (facts["no_frames"], facts["no_upload"]) == ("no frames", "no upload")
    assert 0 <= facts["suggested"]["missed"] <= 1


@pytest.mark.parametrize(
    ("path", "query", "body", "status"),
    [
        ("/api/matches", "", None, 400),
        ("/api/matches", "row=40", None, 400),
        ("/api/matches", "row=-1", None, 400),
        ("/api/matches", "row=0&camera=none", None, 400),
        ("/api/matches", "row=0&split=query", None, 400),
        ("/api/matches", "row=0&modality=thermal", None, 400),
        ("/api/matches", "row=0&top=1000000", None, 400),
        ("/api/matches", "row=0&least=2", None, 400),
        ("/api/matches", "row=0&after=noon", None, 400),
        ("/api/matches", "of=visible", b"abc", 422),
        ("/api/matches", "of=visible", np.full(8, np.nan, np.float32).tobytes(), 422),
        ("/api/matches", "of=visible", np.ones(8, np.float32).tobytes(), 422),
        ("/api/matches", "", np.eye(8, dtype=np.float32)[0].tobytes(), 400),
        ("/api/pair", "row=0&with=0", None, 400),
        ("/api/clip", "sizes=1&modality=visible", b"a", 400),
        ("/api/tracklets", "&".join(["a=1"] * 500), None, 400),
        ("/frames/0/0.jpg", "", None, 404),
        ("/frames/99/0.jpg", "", None, 404),
        ("/frames/../../etc/passwd", "", None, 404),
        ("/etc/passwd", "", None, 404),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(ask, path, query, body, status):
    given, answer = ask(path, query, body)
    assert given == status
    assert answer["error"]["message"]
    assert answer["error"]["kind"] in ("config", "data", "feature", "usage")


def test_a_page_has_its_policy_and_its_names_escaped(catalogue, site):
    from dataclasses import replace

    named = Site(Gallery(replace(catalogue, name='<img src=x onerror="a">')), site.guard)
    answer = named.answer(Request("GET", "/", "", HERE))
    assert answer.status == 200
    assert b"<img src=x" not in answer.body
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "frame-ancestors 'none'" in policy
    assert "connect-src 'self'" in policy
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_fault_of_the_program_is_an_object_too(catalogue, site):
    class Broken(Gallery):
        @property
        def suggested(self):
            raise ZeroDivisionError("a fault")

    answer = Site(Broken(catalogue), site.guard).answer(Request("GET", "/api/facts", "", HERE))
    assert (answer.status, json.loads(answer.body)["error"]["kind"]) == (500, "internal")


def test_bodies_are_limited(site):
    assert site.most_bytes(Request("POST", "/api/matches")) == 4 * 8
    assert site.too_large(Request("POST", "/api/clip")).status == 413


def test_a_query_is_searched_in_the_other_modality(site, table):
    asked = site.gallery.of_feature(table.features[0], Modality.VISIBLE)
    assert asked.modality.other is Modality.INFRARED
