"""Names, help and exit codes of the whole command line, as a shell sees them."""

import subprocess
import sys

import pytest

from raydist import __version__

HEAVY = (
    "torch",
    "ray",
    "numpy",
    "scipy",
    "sklearn",
    "numba",
    "pyarrow",
    "pydantic",
    "mlflow",
    "cv2",
    "rich.table",
)
HEAVY_OF_HELP = [name for name in HEAVY if name not in ("rich.table", "pydantic")]
"""Typer itself shows help by the one, and reads arguments by the other."""
COMMANDS = [
    "train",
    "tune",
    "evaluate",
    "compare",
    "report",
    "embed",
    "score",
    "search",
    "export",
    "cluster",
    "data synth",
    "data check",
    "data pack",
    "recipes",
    "recipes show",
    "guide",
    "doctor",
    "runs ls",
    "runs show",
    "runs compare",
]


def shell(code: str, *words: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=env, check=False)


def raydist_of_the_shell(*words: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return shell("from raydist.cli.app import main; main()", *words, env=env)


@pytest.mark.parametrize("module", ["app", "common", "data", "train", "tune", "evaluate"])
def test_nothing_heavy_is_imported_before_a_command_runs(module, run_env):
    code = f"import sys, raydist.cli.{module}; print([name for name in {HEAVY} if name in sys.modules])"
    assert shell(code, env=run_env).stdout.strip() == "[]"


def test_no_help_imports_anything_heavy(run_env):
    code = f"""
import sys
from typer.main import get_command
from raydist.cli.app import app

def words(command, path=()):
    yield path
    for name, sub in getattr(command, "commands", {{}}).items():
        yield from words(sub, (*path, name))

every = sorted(words(get_command(app)), key=lambda path: path[-1:] == ("cluster",))
for path in every:
    try:
        app([*path, "--help"])
    except SystemExit as ended:
        assert ended.code == 0
    print("heavy:", *path, [name for name in {HEAVY_OF_HELP} if name in sys.modules])
print("commands:", len(every))
"""
    lines = shell(code, env=run_env).stdout.splitlines()
    heavy = [line for line in lines if line.startswith("heavy:")]
    assert len(heavy) == int(lines[-1].split()[1]) > 20
    with_numpy = ["heavy: cluster ['numpy']", "heavy: bench cluster ['numpy']"]
    assert sorted(line for line in heavy if not line.endswith(" []")) == sorted(with_numpy), (
        "distances declare their options in files that need numpy; nothing else does"
    )


def test_the_package_alone_imports_nothing_heavy(run_env):
    code = f"import sys, raydist; print([name for name in {HEAVY} if name in sys.modules])"
    assert shell(code, env=run_env).stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["raydist.train", "raydist.tune"])
def test_a_folder_of_that_name_does_not_hide_the_package(module, run_env, tmp_path):
    (tmp_path / "raydist").mkdir()  # as in the home of a user, where runs and caches go
    code = f"import {module}, raydist; print(raydist.__version__)"
    env = {key: value for key, value in run_env.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, check=True)
    assert done.stdout.strip() == __version__


def test_the_version_is_that_of_the_package(raydist):
    result = raydist("--version")
    assert (result.code, result.out) == (0, f"raydist {__version__}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_its_arguments(raydist, command):
    result = raydist(*command.split(), "--help")
    assert result.code == 0
    assert "--json" in result.out


def test_all_commands_are_listed(raydist):
    listed = raydist("--help").out
    assert all(command.split()[0] in listed for command in COMMANDS)


@pytest.mark.parametrize("module", ["train", "tune", "evaluate"])
def test_entry_points_of_modules_show_help(module, run_env):
    command = [sys.executable, "-m", f"raydist.{module}", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=run_env, check=True)
    assert "--json" in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["no-such-command"], 2, "no-such-command"),
        (["score"], 2, "Missing argument"),
        (["cluster", "x.parquet", "--out", "y.parquet", "--distance", "jacard"], 2, "camera-aware"),
        (["score", "missing.parquet", "--protocol", "plain"], 3, "missing.parquet: no such file"),
        (["data", "check", "--name", "hitsz_vcm", "--root", "nowhere"], 3, "nowhere does not exist"),
        (["evaluate", "nowhere"], 2, "nowhere holds no run"),
        (["report", "nowhere"], 2, "nowhere holds no run"),
        (["embed", "nowhere", "--out", "x.parquet"], 2, "nowhere holds no run"),
        (["train", "--resume", "nowhere"], 2, "nowhere holds no run"),
        (["tune", "--resume", "nowhere"], 2, "nowhere holds no study"),
    ],
)
def test_exit_codes_reach_the_shell(words, code, message, run_env):
    result = raydist_of_the_shell(*words, env=run_env)
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
