"""`raydist guide`: topics, one topic, and what is not one."""

import sys

import pytest

from raydist.cli import guide
from raydist.cli.guide import FOLDER, GENERATED, TOPICS, first_sentence


def test_every_page_is_a_topic():
    assert {path.stem for path in FOLDER.iterdir()} == set(TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_has_one_title_and_says_in_one_line_what_it_is_about(topic):
    text = guide.page(topic)
    outside_of_blocks = "".join(text.split("```")[::2])
    assert [line[:2] for line in outside_of_blocks.splitlines() if line.startswith("# ")] == ["# "]
    assert text.startswith("# ")
    assert 10 < len(first_sentence(text)) <= 82


def test_topics_are_listed_with_a_line_each(raydist):
    listed = raydist("guide")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()] == list(TOPICS)
    assert raydist("guide", "--json").json == {"topics": {t: first_sentence(guide.page(t)) for t in TOPICS}}


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_markdown_without_comments_where_there_is_no_terminal(raydist, topic):
    shown, page = raydist("guide", topic).out, (FOLDER / f"{topic}.md").read_text(encoding="utf-8")
    assert "<!--" not in shown
    assert "generated from the schema" not in shown
    for part in (shown, page):
        assert part.startswith("# ")
    lines = [line for line in page.splitlines() if line and not line.startswith("<!--")]
    assert [line for line in shown.splitlines() if line] == lines
    assert raydist("guide", topic, "--json").json == {"topic": topic, "text": shown}


def test_a_topic_is_formatted_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    guide.guide("recipes")
    shown = capsys.readouterr().out
    assert "Pretrained weights" in shown
    assert "## Pretrained weights" not in shown
    assert "<!--" not in shown


def test_an_unknown_topic_names_the_nearest(raydist):
    result = raydist("guide", "metods")
    assert result.code == 2
    assert "did you mean 'methods'" in result.err
    assert "Traceback" not in result.err


def test_the_reference_is_written_anew(raydist, tmp_path, monkeypatch):
    old = guide.page(GENERATED)
    stale = old.replace("`run.seed`", "`run.sed`")
    (tmp_path / f"{GENERATED}.md").write_text(stale, encoding="utf-8")
    monkeypatch.setattr(guide, "FOLDER", tmp_path)
    assert raydist("guide", GENERATED, "--write").code == 0
    assert guide.page(GENERATED) == old
    assert raydist("guide", "data", "--write").code == 2
