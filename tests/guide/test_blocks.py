"""Every block of README and guide is run as a reader would run it, or says why it is not."""

from pathlib import Path

import pytest

LANGUAGES = {"bash", "python", "yaml", ""}
COMMANDS = ("raydist ", "python ", "pip ", "ray ")


@pytest.mark.ray
def test_the_blocks_of_a_page_run_in_order_in_one_folder(page_blocks, run_commands, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names = {"__name__": "page"}
    for block in page_blocks:
        if block.file:
            Path(block.file).write_text(block.text)
        elif block.why_not_run:
            continue
        elif block.language == "bash":
            run_commands(block.text)
        elif block.language == "python":
            exec(compile(block.text, f"{block.page}:{block.line}", "exec"), names)


def test_a_block_says_its_language_and_a_marker_its_reason(page, page_blocks, page_file):
    assert {block.language for block in page_blocks} <= LANGUAGES
    printed = [line for block in page_blocks if not block.language for line in block.text.splitlines()]
    assert not [line for line in printed if line.startswith(COMMANDS)]
    text = page_file.read_text(encoding="utf-8")
    assert text.count("<!-- not run") == sum(bool(block.why_not_run) for block in page_blocks)
    assert text.count("```") == 2 * len(page_blocks)
    assert all(len(block.why_not_run.split()) > 1 for block in page_blocks if block.why_not_run)


def test_the_tour_of_the_readme_is_run_from_data_to_result(readme_blocks):
    run = "".join(block.text for block in readme_blocks if not block.why_not_run)
    for command in ("data synth", "data check", "raydist.train", "evaluate", "embed", "score", "cluster"):
        assert command in run
