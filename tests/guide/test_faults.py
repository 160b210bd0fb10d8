"""The page of faults names tests that exist, and enough of them."""

import ast
import re
from pathlib import Path

import pytest

from raydist.cli.guide import page

TESTS = Path(__file__).parent.parent
ROWS = re.findall(r"^\| (.+) \| (.+) \| `(.+)::(.+)` \|$", page("faults"), re.MULTILINE)


def test_there_are_at_least_fifty_and_none_stands_twice():
    assert len(ROWS) >= 50
    assert len({fault for fault, *_ in ROWS}) == len(ROWS)


@pytest.mark.parametrize("file", sorted({file for _, _, file, _ in ROWS}))
def test_the_tests_are_there(file):
    functions = {
        node.name
        for node in ast.walk(ast.parse((TESTS / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert {test for _, _, of_file, test in ROWS if of_file == file} <= functions
