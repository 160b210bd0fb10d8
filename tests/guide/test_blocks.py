"""Every block of README and guide is run as a reader would run it, or says why it is not."""

import pytest

LANGUAGES = {"bash", "python", "yaml", ""}
COMMANDS = ("raydist ", "python ", "pip ", "ray ", "mlflow ")


@pytest.mark.ray
def test_the_blocks_of_a_page_run_in_order_in_one_folder(no_tour, run_page):
    run_page(no_tour)


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
