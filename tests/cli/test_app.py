"""Names, help and exit codes of the whole command line, as a shell sees them."""

import subprocess
import sys

import pytest

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
COMMANDS = [
    "train",
    "tune",
    "evaluate",
    "compare",
    "report",
    "embed",
    "score",
    "cluster",
    "data synth",
    "data check",
    "data pack",
    "recipes",
    "recipes show",
    "guide",
    "doctor",
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
