"""What all commands share: streams, files, warnings, tables, and how they end when they are stopped."""

import os
import signal
import subprocess
import sys
import warnings

import pytest
import typer
from typer.testing import CliRunner

from raydist.announcements import announce
from raydist.cli.common import (
    Terminated,
    advising,
    print_table,
    require_writable,
    resume_advice,
    split_arguments,
    with_exit_codes,
)
from raydist.errors import ConfigError, RenamedKeyWarning

RAYDIST = "from raydist.cli.app import main; main()"


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_stopped_command_says_how_to_go_on(capsys, number, code, word):
    @with_exit_codes
    def command():
        with advising(lambda: resume_advice("train", "/runs/r")):
            os.kill(os.getpid(), number)

    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises((typer.Exit, Terminated)) as stopped:
            command()
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
    assert code in (getattr(stopped.value, "exit_code", None), getattr(stopped.value, "code", None))
    assert capsys.readouterr().err == f"{word}; go on with: python -m raydist.train --resume /runs/r\n"


def test_where_no_folder_is_known_there_is_no_advice(capsys):
    @with_exit_codes
    def command():
        with advising(lambda: resume_advice("train", None)):
            raise KeyboardInterrupt

    with pytest.raises(typer.Exit):
        command()
    assert capsys.readouterr().err == "interrupted\n"


def test_announcements_of_any_command_are_lines(capsys):
    with_exit_codes(lambda: announce("packing 96 frames (once)"))()
    assert capsys.readouterr().err == "packing 96 frames (once)\n"


def test_a_title_is_one_line_however_narrow_the_table(capsys):
    title = "cba on manifest: criteria without identities, larger is better"
    print_table(["criterion", "first"], [["silhouette", "0.1"]], title=title)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == title
    assert lines[1].startswith("┏")
    assert len(lines[1]) < len(title)


def test_one_name_at_most():
    assert split_arguments(["smoke", "train.lr=1"]) == ("smoke", ["train.lr=1"])
    with pytest.raises(ConfigError, match="give one recipe"):
        split_arguments(["smoke", "demo"])


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
    assert result.err.splitlines()[-1] == "error: /proc/no: No such file or directory"


def outcome(action):
    app = typer.Typer()
    app.command()(with_exit_codes(action))
    return CliRunner().invoke(app, [])


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "/x/y"), "error: /x/y: Permission denied"),
        (OSError(28, "No space left on device"), "error: [Errno 28] No space left on device"),
        (TimeoutError(), "error: TimeoutError"),
    ],
)
def test_an_error_of_the_system_is_one_line(error, line):
    def fail() -> None:
        raise error

    result = outcome(fail)
    assert (result.exit_code, result.stderr.strip()) == (1, line)


def test_a_renamed_key_is_warned_of_once():
    def warn() -> None:
        warnings.simplefilter("always")
        for name in ("a is now called b", "a is now called b", "c is now called d"):
            for level in (1, 2):
                warnings.warn(name, RenamedKeyWarning, stacklevel=level)

    warnings_shown = outcome(warn).stderr.splitlines()
    assert warnings_shown == ["warning: a is now called b", "warning: c is now called d"]
