"""How runs are shown at any width."""

from pathlib import Path

import pytest

from raydist.cli.run_view import show_comparison, show_run, text_of
from raydist.engine.run_facts import RunFacts


@pytest.mark.parametrize("width", [60, 120])
def test_one_run_and_several_fit(run_dir: Path, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    facts = RunFacts.read(run_dir)
    show_comparison([facts, facts], {"train.lr": [0.1, None]})
    tables = [line for line in capsys.readouterr().out.splitlines() if line[:1] in "┏┃┡│└"]
    assert tables
    assert max(map(len, tables)) <= width
    show_run(facts)
    assert "visible" in capsys.readouterr().out


def test_a_run_without_scores_says_so(run_dir: Path, capsys):
    facts = RunFacts.read(run_dir)
    object.__setattr__(facts, "scores", {})
    show_run(facts)
    assert "nothing was scored" in capsys.readouterr().out


def test_lists_are_as_json_has_them():
    assert text_of(["a", 1.5, True]) == '["a", 1.5, true]'
