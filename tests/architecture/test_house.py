"""The rules of the house that a machine can check."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "raydist"
FILES = sorted(PACKAGE.rglob("*.py"))
TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "raydist", "tune_spaces", "deploy", "tests"}

WITHOUT = """
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
for name in {modules!r}:
    importlib.import_module(name)
"""


def modules(*, outside: tuple[str, ...]) -> list[str]:
    """All modules of the package but those in the given parts."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in FILES
    ]
    return [name for name in names if name.split(".")[1:2] not in [[part] for part in outside]]


def functions() -> list[tuple[str, int]]:
    """Every function with its number of lines."""
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(
                    (f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1)
                )
    return found


def test_the_top_level_holds_what_it_should_and_nothing_else():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    names = {name.split("/")[0] for name in tracked if name}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_everything_but_the_distributed_part_imports_without_ray():
    names = modules(outside=("distributed", "cli", "train", "tune", "evaluate"))
    code = WITHOUT.format(absent=["ray"], modules=names)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_mathematics_imports_without_ray_faiss_and_mlflow():
    parts = ("neighbours", "association", "memories", "losses", "methods", "evaluation", "encoders")
    names = [name for name in modules(outside=()) if name.split(".")[1:2] and name.split(".")[1] in parts]
    assert len(names) > 20
    code = WITHOUT.format(absent=["ray", "faiss", "mlflow"], modules=names)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_layers_hold():
    subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")],
        cwd=ROOT,
        check=True,
        timeout=120,
        capture_output=True,
    )


@pytest.mark.parametrize("library", ["mlflow", "faiss"])
def test_a_library_is_imported_where_it_belongs(library):
    home = {
        "mlflow": {"tracking/mlflow.py", "tracking/system_metrics.py", "export/mlflow_model.py"},
        "faiss": {"neighbours/search/approximate.py", "benchmarks/dense.py"},
    }[library]
    users = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(a.name.split(".")[0] == library for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == library)
    }
    assert users == home


def test_files_and_functions_are_short():
    assert max(len(path.read_text().splitlines()) for path in FILES) <= 500
    lengths = functions()
    assert max(length for _, length in lengths) <= 80, sorted(lengths, key=lambda item: -item[1])[:5]
    assert sum(length <= 40 for _, length in lengths) >= 0.95 * len(lengths)


def test_printing_is_the_command_lines_affair():
    printing = {
        path.relative_to(PACKAGE).parts[0]
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing <= {"cli"}


def test_devices_are_arguments():
    assert not [path for path in FILES if ".cuda(" in path.read_text()]
