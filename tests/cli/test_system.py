"""Streams and files of every command, as a shell sees them."""

import os
import subprocess
import sys

import pytest

from raydist.cli.system import require_parquet, require_writable
from raydist.errors import ConfigError

RAYDIST = "from raydist.cli.app import main; main()"


def closed(words, env, *, redirection=">&-"):
    """A command whose stdout the shell has closed."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-c", RAYDIST, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=env, check=False)


@pytest.mark.parametrize("words", [["guide"], ["score", "{features}", "--protocol", "plain"]])
@pytest.mark.parametrize("redirection", [">&-", "<&- >&-"])
def test_a_closed_stdout_leads_nowhere(words, redirection, features, run_env):
    done = closed([word.format(features=features) for word in words], run_env, redirection=redirection)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr


def test_characters_that_a_stream_cannot_show_are_escaped(run_env):
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    command = [sys.executable, "-c", RAYDIST, "guide", "methods"]
    done = subprocess.run(command, capture_output=True, timeout=120, env={**run_env, **plain}, check=False)
    assert done.returncode == 0, done.stderr
    assert rb"i\u2192v" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (".", "is a folder"),
        ("file/x.parquet", "Not a directory"),
        ("/proc/no/x.parquet", "cannot be written"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(out, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=rf"^--out .*{message}"):
        require_writable(tmp_path / out, what="--out")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("kind", ["pipe", "link to nothing", "device"])
def test_what_is_no_file_is_not_replaced(kind, tmp_path):
    out = tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(out)
    else:
        out.symlink_to("/dev/null" if kind == "device" else "nothing")
    with pytest.raises(ConfigError, match=r"--out .* is no file that could be replaced"):
        require_writable(out, what="--out")


@pytest.mark.parametrize("words", [["runs", "ls"], ["doctor", "--json"], ["train", "smoke"]])
@pytest.mark.parametrize(
    ("home", "message"),
    [
        ("~no-such-user/x", "there is no such user"),
        ("loop", "RAYDIST_HOME = 'loop'"),
    ],
)
def test_a_home_that_leads_nowhere_is_one_line(words, home, message, tmp_path, run_env):
    (tmp_path / "loop").symlink_to("loop")
    env = run_env | {"RAYDIST_HOME": home}
    command = [sys.executable, "-c", RAYDIST, *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert ("--json" in words) == ('{"error"' in done.stdout)


def test_a_working_directory_that_is_gone_is_said(tmp_path, run_env):
    code = f"import os, shutil; shutil.rmtree(os.getcwd())\n{RAYDIST}"
    command = [sys.executable, "-c", code, "runs", "ls"]
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path / "gone", env=run_env, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "error: the working directory has been deleted: change to another one\n"


def test_a_failure_is_said_where_stdout_is_full(run_env):
    done = closed(
        ["score", "nowhere.parquet", "--protocol", "plain", "--json"], run_env, redirection=">/dev/full"
    )
    assert done.returncode == 3
    assert done.stderr.startswith("error: nowhere.parquet")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["x.csv", "x.parquet.json"])
def test_a_name_that_is_not_one_of_parquet_is_refused(name, tmp_path):
    expected = (tmp_path / name).with_suffix(".parquet")
    with pytest.raises(ConfigError, match=rf"^--out .*: labels are Parquet: name it {expected}$"):
        require_parquet(tmp_path / name, what="--out", holds="labels")
    for other in ("x.parquet", "X.PARQUET", "x.pq", "x"):
        require_parquet(tmp_path / other, what="--out", holds="labels")


@pytest.mark.parametrize("command", ["cluster", "embed"])
def test_no_command_writes_parquet_under_another_name(raydist, features, run_dir, tmp_path, command):
    given = features if command == "cluster" else run_dir
    result = raydist(command, given, "--out", tmp_path / "x.csv")
    assert result.code == 2
    assert "are Parquet: name it" in result.err
    assert not (tmp_path / "x.csv").exists()


def test_a_file_in_folders_that_are_missing_can_be_written(tmp_path):
    require_writable(tmp_path / "a" / "b" / "x.parquet", what="--out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["cluster", "no.parquet", "--out", "{folder}"],
        ["embed", "no-run", "--out", "{folder}"],
        ["data", "import", "--mot", "no", "--out", "{folder}"],
    ],
)
def test_commands_look_at_where_they_will_write_before_anything_else(words, raydist, tmp_path):
    result = raydist(*(word.format(folder=tmp_path) for word in words))
    assert (result.code, result.err.strip().split(": ")[1]) == (2, f"--out {tmp_path} is a folder")


def test_drawing_into_a_place_that_takes_no_folder_is_one_line(raydist):
    result = raydist("data", "synth", "--preset", "smoke", "--layout", "hitsz_vcm", "--out", "/proc/no/x")
    assert result.code == 1
    assert result.err.splitlines()[-1] == (
        "error: /proc/no cannot be written (No such file or directory): make room, or check the rights"
    )
