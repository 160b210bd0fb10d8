"""Every block of README and guide is run as a reader would run it, or says why it is not."""

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from raydist.cli.app import app

LANGUAGES = {"bash", "python", "yaml", ""}
COMMANDS = ("raydist ", "python ", "pip ", "ray ")


def run_commands(text: str) -> None:
    """Run the lines of a bash block, all of them commands of raydist, in this process."""
    for line in text.replace("\\\n", "").splitlines():
        match shlex.split(line, comments=True):
            case []:
                continue
            case ["raydist", *words]:
                pass
            case ["python", "-m", module, *words] if module.startswith("raydist."):
                words = [module.removeprefix("raydist."), *words]
            case _:
                pytest.fail(
                    f"{line!r} is no command of raydist: mark the block with <!-- not run: the reason -->"
                )
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert result.exit_code == 0, f"{line}\n{result.output}"


@pytest.mark.ray
def test_the_blocks_of_a_page_run_in_order_in_one_folder(page_blocks, tmp_path, monkeypatch):
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
