"""What all commands share: how they end when they are stopped, and how their tables look."""

import os
import signal
import warnings

import pytest
import typer
from typer.testing import CliRunner

from raydist.announcements import announce
from raydist.cli.common import (
    advising,
    print_json,
    print_line,
    print_table,
    resume_advice,
    split_arguments,
    with_exit_codes,
)
from raydist.cli.stopping import Terminated
from raydist.errors import ConfigError, RenamedKeyWarning


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


def test_no_line_holds_a_password(capsys):
    address = "http://ann:sesame-73@h:1/x?token=sesame-73"
    print_line(f"a call to {address} failed")
    print_json({"error": address})
    shown = capsys.readouterr()
    assert shown.err == "a call to http://***@h:1/x?token=*** failed\n"
    assert shown.out == '{"error": "http://***@h:1/x?token=***"}\n'


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
