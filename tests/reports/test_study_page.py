import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from raydist.reports.study_page import progress, study_page, write_study_page
from raydist.reports.templates import policy, script, write_html
from raydist.tuning.analysis import analyse
from raydist.tuning.report import TrialReport
from raydist.tuning.space import Space
from raydist.tuning.study import make_study
from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.trial import Trial
from tests.browser import SMALLEST_LETTERS, is_wider_than_the_screen

EVIL = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def study():
    raw = {
        "recipes": {"synthetic": "smoke", "manifest": "smoke"},
        "train.lr": {"loguniform": [1e-4, 1e-2]},
        "method.refinement.eta": {"uniform": [1, 2]},
        "manifest": {"clustering.eps": {"choice": [0.4, 0.5]}},
    }
    return make_study(Space.parse(raw), ["data.name=synthetic,manifest", "data.root=unused,tracks.csv"])


@pytest.fixture(scope="module")
def trials(study):
    trials = []
    for number in range(9):
        values = {d: {"map": 20.0 + number, "silhouette": 0.1 * number, "balance": 0.5} for d in study.bases}
        state = "stopped" if number % 3 else "finished"
        trials.append(
            Trial(
                number,
                study.sample(number),
                state,
                epochs=(TrialReport(4, 4 if state == "finished" else 8, 1234, values),),
            )
        )
    return [*trials, Trial(9, study.sample(9), "failed", reason=EVIL)]


@pytest.fixture(scope="module")
def text(study, trials):
    return study_page(study, trials, analyse(study, trials))


class Balanced(HTMLParser):
    """All tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_is_whole_and_loads_nothing(text):
    page = Balanced(text)
    assert page.open == []
    shown = text.replace(script(), "")
    assert not re.search(r"https?:|url\(|@import|javascript:|\bnan\b|\bNone\b|Undefined", shown)
    assert text.count("<script") == 1
    assert [a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a] == [
        policy(script())
    ]
    assert "prefers-color-scheme: dark" in text


def test_it_can_be_read_without_eyes(text):
    elements = Balanced(text).elements
    drawn = [a for tag, a in elements if tag == "svg" and "aria-hidden" not in a]
    assert len(drawn) == 2
    assert all(a["role"] == "img" and a["aria-label"] for a in drawn)
    assert all("scope" in a for tag, a in elements if tag == "th")
    levels = [int(tag[1]) for tag, _ in elements if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = {a["id"] for _, a in elements if "id" in a}
    assert {a["href"][1:] for tag, a in elements if tag == "a"} <= ids


def test_it_says_what_came_of_the_study(text, study):
    for words in (
        "Search for cba on synthetic, manifest", "10 of 8, 1 failed, 3 finished, 6 stopped", "random, seed 0",
        "asha, 6 of 10 trials, ", "% of the full grid's steps saved",
        "Trial 6: map 26 after its", study.space.digest, "best-synthetic.yaml, best-manifest.yaml",
    ):  # fmt: skip
        assert words in text
    assert '<tr><th scope="row">silhouette</th><td>1.00</td><td>9</td><td>1.00</td><td>9</td></tr>' in text


def test_every_trial_has_a_row_with_columns_of_each_data_set(text):
    section = text[text.index('id="trials"') : text.index("<details>")]
    rows = re.findall(r'<tr><th scope="row".*?</tr>', section)
    assert len(rows) == 10
    assert {row.count("<td") for row in rows} == {4 + 2 * 3}
    assert (
        '<td class="text state">stopped</td><td>4/8</td><td>1,234</td><td>21</td><td>21</td>'
        "<td>0.1</td><td>0.5</td>" in rows[1]
    )
    assert "failed: &lt;script&gt;" in rows[9]


def test_before_a_trial_has_finished_there_is_a_page_too(study, trials):
    for some in ([], trials[9:], [trials[1]]):
        page = study_page(study, some, None)
        assert Balanced(page).open == []
        assert "No trial has finished" in page
        assert "Importance is not shown" in page


def test_the_best_so_far_never_falls():
    values = [3.0, 5.0, 4.0, 9.0, 2.0]
    trials = [
        Trial(n, {}, "finished", epochs=(TrialReport(1, 1, 1, {"a": {"map": v}}),))
        for n, v in enumerate(values)
    ]
    best, finished, stopped = progress(trials, "map").series
    assert [value for _, value in best.points] == [3, 5, 5, 9, 9]
    assert [value for _, value in finished.points] == values
    assert (stopped.points, best.joined, finished.joined) == ([], True, False)


def test_it_lies_in_the_folder_and_the_same_records_give_the_same_bytes(study, trials, tmp_path):
    folder = StudyFolder.create(tmp_path, "s", study)
    with folder.recording() as log:
        for trial in trials:
            log.start(trial.number, trial.sample)
            for epoch in trial.epochs:
                log.epoch(trial.number, epoch)
            log.end(trial.number, trial.state, trial.reason)
    path = write_study_page(folder, analyse(study, folder.trials()))
    assert path == folder.path / "report" / "index.html"
    assert path.read_text() == study_page(study, trials, analyse(study, trials))


def luminance(colour):
    """Of WCAG 2, of `rgb(...)` or `color(srgb ...)`."""
    values = [float(one) for one in re.findall(r"\d[\d.]*", colour)[:3]]
    scaled = values if colour.startswith("color(") else [value / 255 for value in values]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in scaled]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """The ratio of WCAG 2."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.fixture
def html(text, tmp_path):
    return write_html(tmp_path / "study.html", text)


def test_a_browser_shows_the_winner_the_charts_and_every_trial(visit, html):
    page = visit(html)
    assert not is_wider_than_the_screen(page)
    assert page.get_by_role("heading", level=1).inner_text() == "Search for cba on synthetic, manifest"
    assert "Trial 6: map 26" in page.locator("#winner").inner_text()
    assert page.locator("#trials tbody").first.locator("tr").count() == 10
    assert EVIL in page.locator("#trials tbody").first.inner_text()
    sample = page.locator("#trials details")
    assert not sample.locator("table").is_visible()
    sample.locator("summary").click()
    assert sample.locator("tbody tr").count() == 10
    assert sample.locator("table").is_visible()
    assert not is_wider_than_the_screen(page)


def test_what_a_table_says_of_itself_is_on_the_screen_before_it_is_moved(visit, html):
    page = visit(html)
    for caption in page.locator("caption").all():
        box = caption.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.viewport_size["width"]


def test_the_chart_of_a_study_is_read_with_pointer_and_keys(visit, html):
    page = visit(html)
    tip, chart = page.locator(".tip"), page.locator("#objective svg[data-marks]")
    chart.scroll_into_view_if_needed()
    chart.hover()
    tip.wait_for(state="visible")
    page.mouse.move(0, 0)
    chart.focus()
    page.keyboard.press("End")
    assert tip.inner_text().startswith("trial 8")
    page.keyboard.press("Home")
    assert tip.inner_text().startswith("trial 0")
    assert "finished 20.000" in tip.inner_text()
    page.keyboard.press("Escape")
    tip.wait_for(state="hidden")


def test_the_lines_of_trials_differ_from_the_ground(visit, html):
    page = visit(html)
    lines = page.locator("#parameters .chart > svg .thread")
    assert lines.count() == 9
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        ground = page.evaluate("getComputedStyle(document.querySelector('.threads')).backgroundColor")
        strokes = lines.evaluate_all("lines => lines.map(line => getComputedStyle(line).stroke)")
        assert min(contrast(stroke, ground) for stroke in strokes) >= 1.8


def test_letters_of_a_study_can_be_read(visit, html):
    assert visit(html).evaluate(SMALLEST_LETTERS) >= 9
