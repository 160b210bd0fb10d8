"""Reports in a real browser: pointer, keys, colours, sizes."""

from dataclasses import replace

import numpy as np
import pytest

from raydist.clustering.hdbscan import CondensedTree
from raydist.reports.clusters import cluster_groups
from raydist.reports.condensed_tree import draw_tree
from raydist.reports.features_page import features_page
from raydist.reports.header import ConfigLine, RunHeader
from raydist.reports.run_page import run_page
from raydist.reports.templates import policy, script, write_html
from raydist.reports.views import Views, with_map, with_rankings
from raydist.types import FeatureTable, Modality, unit_rows
from tests.browser import SMALLEST_LETTERS, is_wider_than_the_screen

LARGEST_PAGE = 30_000_000


def test_the_script_cannot_end_its_element_and_is_the_one_that_may_run(table):
    assert "</script" not in script()
    assert policy(script()) != policy(script() + " ")
    page = features_page(table, "f", protocol="plain")
    assert policy(script()).replace("'", "&#39;") in page
    assert page.count(script()) == 1


@pytest.fixture
def run_html(summary, reports, table, make_frames, tmp_path):
    """A page with everything that a run can have."""
    frames = make_frames(len(table))
    labels = np.where(np.arange(len(table)) % 9 == 0, -1, np.arange(len(table)) // 6)
    views = with_rankings(Views("the encoder after epoch 3"), table, frames, "plain")
    views = with_map(views, table, labels)
    one, four = np.arange(4), np.full(4, 4)
    tree = draw_tree(
        CondensedTree(four, one, np.full(4, 2.0), np.ones(4, int)), np.zeros(4, int), title="Visible"
    )
    groups = cluster_groups(table, labels, frames)
    views = replace(views, clusters=groups, trees=[tree], knows_identities=True, labels_source="of epoch 3")
    lines = [ConfigLine("train.lr", "0.01", "0.001"), ConfigLine("data.root", "/a/" + "long/" * 30, "null")]
    counts = {
        "train": {m.label: {"tracklets": 9, "frames": 9, "identities": 2, "cameras": 2} for m in Modality}
    }
    header = RunHeader("pgm-synthetic-001", [("Command", "raydist train " + "x=y " * 40)], counts, lines)
    return write_html(tmp_path / "run.html", run_page(summary, reports, views, epoch=3, header=header))


@pytest.fixture
def large_html(tmp_path, monkeypatch):
    """The page of 5,000 queries and their gallery; without UMAP, which takes most of the time to write it."""
    monkeypatch.setattr("raydist.reports.tracklet_map.has_umap", lambda: False)
    rng = np.random.default_rng(0)
    identity = np.repeat(np.arange(1000), 10)
    features = unit_rows(rng.normal(size=(1000, 32))[identity] + rng.normal(size=(10_000, 32)))
    table = FeatureTable(
        features.astype(np.float32),
        np.array([f"camera-{i % 12:02d}/tracklet-{i:06d}" for i in range(10_000)]),
        (np.arange(10_000) % 2).astype(np.int8),
        np.array([f"D{i % 12}" for i in range(10_000)]),
        identity,
        np.where(np.arange(10_000) % 2 == Modality.INFRARED, "query", "gallery"),
    )
    text = features_page(table, "large.parquet", protocol="plain", labels=identity, labels_name="l.parquet")
    return write_html(tmp_path / "large.html", text)


def test_a_run_is_read_with_pointer_and_keys(visit, run_html):
    page = visit(run_html)
    assert not is_wider_than_the_screen(page)
    tip = page.locator(".tip")
    charts = page.locator("svg[data-marks]")
    assert charts.count() == 8
    for number in range(charts.count()):
        chart = charts.nth(number)
        chart.scroll_into_view_if_needed()
        chart.hover()
        tip.wait_for(state="visible")
        assert tip.inner_text()
        page.mouse.move(0, 0)
        chart.focus()
        page.keyboard.press("ArrowRight")
        first = tip.inner_text()
        page.keyboard.press("End")
        assert tip.is_visible()
        assert first
        page.keyboard.press("Escape")
        tip.wait_for(state="hidden")
    loss = page.locator('svg[aria-label^="Loss"]')
    loss.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert tip.inner_text() == "epoch 2, dual\nvisible 2.000\ninfrared 1.500"


def test_letters_of_charts_can_be_read(visit, run_html):
    assert visit(run_html).evaluate(SMALLEST_LETTERS) >= 9


def test_the_map_is_walked_and_coloured(visit, run_html, table):
    page = visit(run_html)
    canvas, tip = page.locator(".map canvas"), page.locator(".tip")
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    page.locator('[data-choice="colour"]').select_option("camera")
    assert canvas.evaluate("canvas => canvas.toDataURL()") != before
    assert page.locator("[data-legend]").inner_text().split("\n") == [f"camera D{n}" for n in range(5)]
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert tip.inner_text().split("\n") == ["t01", "cluster 0", "infrared", "camera D1", "identity 0"]
    canvas.hover()
    assert tip.inner_text().split("\n")[0] in table.tracklet_id.tolist()


def test_dark_and_light_differ(visit, run_html):
    page = visit(run_html)
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


def test_five_thousand_queries_are_one_small_page(visit, large_html):
    assert large_html.stat().st_size < LARGEST_PAGE / 10
    page = visit(large_html)
    assert not is_wider_than_the_screen(page)
    assert page.evaluate("document.querySelectorAll('*').length") < 8000
    assert "of 5,000 queries" in page.locator("#infrared_to_visible .note").inner_text()
    assert "3,000 of 10,000 tracklets" in page.locator("#map .note").inner_text()
