import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from raydist.engine.events import EpochReport
from raydist.engine.summary import Best
from raydist.errors import DataError
from raydist.reports.clusters import cluster_groups
from raydist.reports.header import ConfigLine, RunHeader
from raydist.reports.rankings import NUM_SHOWN
from raydist.reports.run_page import history, run_page, shares
from raydist.reports.templates import policy, write_html
from raydist.reports.views import Views, with_map, with_rankings

NO_VIEWS = Views("nothing")
VOID = {"meta", "img", "br", "link", "input"}


class Tags(HTMLParser):
    """All elements with their attributes and texts; refuses tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words, self.scripts = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)
        elif self.open and self.open[-1] == "script":
            self.scripts.append(data)

    def all(self, *names):
        return [attributes for tag, attributes in self.elements if tag in names]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def make_page(summary, reports, table, make_frames):
    def make(summary=summary, reports=reports):
        protocol = None if summary.not_scored else summary.protocol
        views = Views("the encoder after epoch 3")
        views = with_rankings(views, table, make_frames(len(table)), protocol)
        return run_page(summary, reports, views, epoch=3)

    return make


def test_it_says_what_the_run_was(make_page):
    text = Tags(make_page()).text
    for words in (
        "pgm on synthetic",
        "Protocol plain",
        "Seed 7",
        "last, epoch 3",
        "best, epoch 2 *",
        "picked on the test split",
        "12,345",
    ):
        assert words in text
    assert "SUPERVISED" not in text


def test_scores_stand_both_ways_with_the_chance_level(make_page):
    rows = re.findall(r"<tr>.*?</tr>", make_page(), re.S)
    cells = [re.findall(r"<td[^>]*>([\d.]+)</td>", row) for row in rows]
    assert ["30.0", "70.0", "80.0", "90.0", "31.0", "20.0", "12.5"] in cells
    assert ["60.0", "70.0", "80.0", "90.0", "62.0", "20.0", "12.5"] in cells
    assert sum(len(row) == 7 and row[-1] == "12.5" for row in cells) == 6


def test_a_supervised_run_is_marked(make_page, summary):
    assert (
        "SUPERVISED This method was given the identities"
        in Tags(make_page(summary=replace(summary, supervised=True))).text
    )


def test_another_search_is_a_table_of_its_own(make_page, summary):
    lower = {d: values | {"rank1": 21.5} for d, values in summary.last.items()}
    indoor = {"untrained": summary.untrained, "last": lower, "best": lower}
    page = Tags(make_page(summary=replace(summary, searches={"sysu_mm01_indoor": indoor})))
    assert len([table for table in page.all("table") if table.get("class") == "scores"]) == 2
    assert "Retrieval across modalities by plain, in percent; all tracklets" in page.text
    assert "Retrieval across modalities by sysu_mm01_indoor, in percent; indoor-search" in page.text
    assert page.text.count(" 21.5 ") == 4


def test_skipped_queries_are_reported(make_page, summary):
    summary.untrained["infrared_to_visible"]["skipped_queries"] = 4
    assert "4 queries of infrared → visible have no match" in Tags(make_page()).text


def test_nothing_is_loaded_and_only_the_pages_own_script_runs(make_page):
    text = make_page()
    tags = Tags(text)
    assert not re.search(r"https?:(?!//www.w3.org/2000/svg)|url\(|@import|javascript:|fetch\(|import\(", text)
    assert not tags.all("link", "iframe", "object", "embed", "base", "form")
    assert tags.all("script") == [{}]
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in tags.all("img"))
    assert all(anchor["href"].startswith("#") for anchor in tags.all("a"))
    assert not [name for _, attributes in tags.elements for name in attributes if name.startswith("on")]
    (allowed,) = [
        meta["content"] for meta in tags.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert allowed == policy(tags.scripts[0])
    assert allowed.startswith(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-"
    )


def test_names_are_escaped(make_page, summary, reports, table):
    evil = "<script>alert(1)</script>\"'&"
    names = table.tracklet_id.astype(object)
    names[:] = [f"{evil}{i}" for i in range(len(names))]
    object.__setattr__(table, "tracklet_id", names)
    object.__setattr__(table, "camera", np.array([evil] * len(table)))
    reports[1] = replace(reports[1], stage=evil, losses={evil: 1.0})
    text = make_page(replace(summary, method=evil, data=evil, seconds={evil: 1.0}))
    assert text.count("<script") == 1
    assert Tags(text).text.count("alert(1)") > 20
    assert any(evil in image["alt"] for image in Tags(text).all("img"))


def test_it_can_be_read_without_eyes(make_page):
    tags = Tags(make_page())
    assert all(image["alt"] for image in tags.all("img"))
    assert all("scope" in header for header in tags.all("th"))
    drawn = [svg for svg in tags.all("svg") if "aria-hidden" not in svg]
    assert len(drawn) == 6
    assert all(svg["tabindex"] == "0" and json.loads(svg["data-marks"]) for svg in drawn)
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in drawn)
    assert tags.all("html") == [{"lang": "en"}]


def test_anchors_lead_somewhere(make_page):
    tags = Tags(make_page())
    ids = [attributes["id"] for _, attributes in tags.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {anchor["href"][1:] for anchor in tags.all("a")} <= set(ids)


def test_hits_and_misses_are_words_too(make_page):
    text = make_page()
    items = re.findall(r'<li class="(hit|miss)">(.*?)</li>', text, re.S)
    assert len(items) == 2 * 8 * 8
    assert {kind for kind, _ in items} == {"hit", "miss"}
    assert all(f"{kind}</span>" in item and f", {kind}:" in item for kind, item in items)


def test_the_table_of_epochs_has_a_cell_for_every_line(make_page, reports):
    del reports[2].clusters["visible"]["ari"], reports[3].clusters["visible"]["ari"]
    details = re.search(r"<details>.*</details>", make_page(), re.S)[0]
    lines = sum(int(span) for span in re.findall(r'colspan="(\d+)"', details))
    for row in re.findall(r"<tr><th scope=\"row\".*?</tr>", details):
        assert row.count("<td>") == lines


def test_missing_values_leave_no_nan(make_page, reports):
    reports[2].losses["visible"] = float("nan")
    reports[3].clusters["infrared"]["ari"] = None
    assert not re.search(r"\bnan\b|\bNone\b|Undefined", re.sub('data:[^"]*', "", make_page()))


def test_a_run_without_epochs_or_clusters_has_a_page(make_page, reports):
    assert len([svg for svg in Tags(make_page(reports=reports[:1])).all("svg") if "aria-label" in svg]) == 3
    assert len([svg for svg in Tags(make_page(reports=[])).all("svg") if "aria-label" in svg]) == 1


def test_the_same_values_give_the_same_bytes(make_page, tmp_path):
    path = tmp_path / "deep" / "index.html"
    assert write_html(path, make_page()) == path
    assert path.read_bytes().decode() == make_page()


def test_features_without_identities_cannot_be_shown(make_page, table):
    object.__setattr__(table, "identity", None)
    with pytest.raises(DataError, match="identit"):
        make_page()


def test_shares_of_nothing():
    assert shares({}) == []
    assert shares({"train": 0.0}) == [("train", 0.0, 0.0)]


def test_history_of_nothing():
    assert history([], []) == []


@pytest.fixture
def unscored(summary):
    """The summary of a run on data without identities."""
    criteria = {"first": {"silhouette": 0.1}, "last": {"silhouette": 0.3}}
    best = Best({}, epoch=3, picked_on="criterion silhouette", measure="silhouette", value=0.3)
    return replace(
        summary, untrained=None, last=None, best=best, criteria=criteria, not_scored="no identities are known"
    )


def test_a_run_that_was_not_scored_says_why_and_shows_lists_without_marks(unscored, make_page):
    reports = [
        EpochReport(0, "untrained"),
        *(EpochReport(epoch, "dual", criteria={"silhouette": epoch / 10}) for epoch in (1, 2, 3)),
    ]
    html = make_page(summary=unscored, reports=reports)
    tags = Tags(html)
    assert "Not scored: no identities are known" in tags.text
    assert "Best is epoch 3, by the criterion silhouette" in tags.text
    assert "Criteria that need no identities" in tags.text
    assert "Hits are not marked" in tags.text
    for word in ("✓", "✗", "AP ", "Rank-1", "mAP"):
        assert word not in tags.text
    assert len(tags.all("article")) == 2 * NUM_SHOWN


def test_a_run_without_queries_has_no_lists(unscored):
    text = Tags(run_page(unscored, [EpochReport(0, "untrained")], NO_VIEWS, epoch=3)).text
    for words in ("Ranked lists", "Clusters", "Curves", "The numbers of every epoch", "untrained"):
        assert words not in text


@pytest.mark.parametrize("written_by", ["this version", "the one before"])
def test_a_run_that_was_not_scored_names_neither_protocol_nor_split(unscored, written_by):
    if written_by == "this version":
        unscored = replace(unscored, protocol=None, split=None)
    text = Tags(
        run_page(unscored, [EpochReport(1, "dual", criteria={"balance": 1.0})], NO_VIEWS, epoch=1)
    ).text
    for words in ("Protocol", "plain", "Evaluated on", "test split", "None", "chance"):
        assert words not in text


def test_the_untrained_encoder_has_a_row_where_it_has_values(unscored, make_page):
    blind = [
        EpochReport(0, "untrained", seconds={"evaluate": 1.0}),
        EpochReport(1, "dual", losses={"a": 1.0}),
    ]
    page = run_page(unscored, blind, NO_VIEWS, epoch=1)
    assert "untrained" not in Tags(page).text
    assert '<td class="text">dual</td><td>1.000</td>' in page
    assert '<td class="text">untrained</td><td>-</td>' in make_page()


def test_a_missing_criterion_is_a_dash_and_explained(unscored):
    whole = {"silhouette": 0.1, "stability": 0.25, "consistency": 0.5, "balance": 1.0}
    first = {name: value for name, value in whole.items() if name != "stability"}
    reports = [EpochReport(1, "dual", criteria=first), EpochReport(2, "dual", criteria=whole)]
    page = run_page(unscored, reports, NO_VIEWS, epoch=2)
    assert "<td>0.10</td><td>0.50</td><td>1.00</td><td>-</td></tr>" in page
    assert "Stability is missing (-) where there are no two clusterings to compare" in Tags(page).text
    assert "Consistency is missing" not in page
    assert "is missing" not in run_page(unscored, reports[1:], NO_VIEWS, epoch=2)


def test_clusters_stand_with_both_modalities_side_by_side(unscored, table, make_frames):
    groups = cluster_groups(table, np.arange(len(table)) % 3, make_frames(len(table)))
    views = replace(NO_VIEWS, clusters=groups[:1])
    page = run_page(unscored, [EpochReport(1, "dual", losses={"a": 1.0})], views, epoch=1)
    tags = Tags(page)
    assert [article["aria-label"] for article in tags.all("article")] == [
        "Cluster 0",
        "Cluster 1",
        "Cluster 2",
    ]
    assert len(tags.all("img")) == sum(len(cluster.members) for cluster in groups[0].clusters)
    assert all(image["alt"].startswith("member: ") for image in tags.all("img"))
    assert "Cluster 0 8 visible 8 infrared 12 identities" in tags.text
    assert "Identities are not known here" in tags.text
    assert page.count('class="side visible"') == page.count('class="side infrared"') == 3
    assert {"href": "#clusters"} in tags.all("a")


def test_the_map_and_the_association_are_data_that_nothing_can_escape_from(summary, reports, table):
    object.__setattr__(table, "tracklet_id", np.array([f"</script><b>{i}" for i in range(len(table))]))
    views = with_map(NO_VIEWS, table, np.arange(len(table)) // 4)
    tags = Tags(run_page(summary, reports, views, epoch=3))
    kinds = [script.get("type") for script in tags.all("script")]
    assert kinds == ["application/json", None]
    points = json.loads(tags.scripts[0])
    assert points["ids"] == table.tracklet_id.tolist()
    assert set(points["colourings"]) == {"cluster", "modality", "camera", "identity"}
    (matrix,) = [svg for svg in tags.all("svg") if "data-columns" in svg]
    assert len(json.loads(matrix["data-marks"])) == int(matrix["data-columns"]) ** 2
    assert "12 clusters hold both modalities" in tags.text


def test_the_threshold_stands_with_its_errors_and_where_it_was_chosen(make_page, unscored, reports, table):
    text = Tags(make_page()).text
    assert "Suggested threshold" in text
    assert "chosen on these very pairs" in text
    blind = with_rankings(NO_VIEWS, replace(table, identity=None), None, None)
    text = Tags(run_page(unscored, reports, blind, epoch=3)).text
    assert "no threshold can be suggested" in text
    assert "Suggested" not in text


def test_the_values_of_a_chart_stand_in_its_marks(make_page):
    charts = [svg for svg in Tags(make_page()).all("svg") if "data-marks" in svg]
    (loss,) = [svg for svg in charts if svg["aria-label"].startswith("Loss")]
    marks = json.loads(loss["data-marks"])
    assert [text for *_, text in marks] == [
        "epoch 1, warm-up\ntracklet 2.500",
        "epoch 2, dual\nvisible 2.000\ninfrared 1.500",
        "epoch 3, dual\nvisible 1.250\ninfrared 1.000",
    ]
    assert [left for left, *_ in marks] == sorted({left for left, *_ in marks})


def test_the_head_says_what_was_run_with_what(make_page, summary, reports):
    machine = [("Command", "raydist train demo"), ("Commit", "abc1234+")]
    lines = [ConfigLine("train.lr", "0.01", "0.001"), ConfigLine("train.epochs", "10", "10")]
    some = {"tracklets": 1200, "frames": 7, "identities": 0, "cameras": 3}
    header = RunHeader("pgm-001", machine, {"train": {"visible": some}}, lines)
    page = run_page(summary, reports, NO_VIEWS, epoch=3, header=header)
    text = Tags(page).text
    for words in (
        "Run pgm-001", "Command raydist train demo", "Commit abc1234+", "train visible 1,200 7 3 not known",
        "1 of 2 keys differ from their defaults", "train.lr 0.01 0.001 train.epochs 10 the same",
    ):  # fmt: skip
        assert words in text
    assert "<details>" in page[page.index('id="configuration"') :]


def test_without_frames_the_page_says_why(summary, reports, table):
    views = with_rankings(Views("it", no_pictures="No frames, since so."), table, None, "plain")
    tags = Tags(run_page(summary, reports, views, epoch=3))
    assert tags.all("img") == []
    assert tags.text.count("No frames, since so.") == 2
    assert tags.text.count("✓ hit") + tags.text.count("✗ miss") == 2 * 8 * 8
    assert "similarity 0." in tags.text
    assert "8 of 24 queries, from the best ranked to the worst" in tags.text
