"""The sources of the package, read once."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "raydist"


@pytest.fixture(scope="session")
def trees() -> dict[str, ast.Module]:
    """`methods/cba/method.py` -> its syntax tree, for every file of the package."""
    return {
        str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))
    }
