"""Under ``--json`` every failure of every command is one object, the last line of stdout."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from raydist import errors
from raydist.cli import common
from raydist.cli.app import app
from raydist.cli.failures import wants_json
from raydist.cli.stopping import Terminated
from raydist.errors import DataError, RaydistError
from raydist.failures import HINTS, Failure

ALONE = ("train", "tune", "evaluate")
OWN = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RaydistError)]


def leaves(command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command that does something, by the words that call it."""
    subcommands = getattr(command, "commands", {})
    if not subcommands or (path and command.invoke_without_command):
        yield path, command
    for name, sub in subcommands.items():
        yield from leaves(sub, (*path, name))


COMMANDS = {" ".join(path): (path, command) for path, command in leaves(get_command(app))}


def words_of(name: str) -> list[str]:
    """A command with a word for everything that it must be given."""
    path, command = COMMANDS[name]
    words = list(path)
    for param in command.params:
        if param.required:
            words += ["1"] if param.param_type_name == "argument" else [param.opts[0], "1"]
    return [*words, "--json"]


def call(words):
    result = CliRunner().invoke(app, words)
    return result, json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_an_object(name):
    result, last = call([*COMMANDS[name][0], "--no-such-option", "--json"])
    assert result.exit_code == 2
    assert list(last) == ["error"]
    assert list(last["error"]) == ["kind", "message", "hint"]
    assert last["error"]["kind"] == "usage"
    assert "--no-such-option" in last["error"]["message"]
    assert last["error"]["hint"].endswith(f"{name} --help")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", [name for name in COMMANDS if len(words_of(name)) > len(name.split()) + 1])
def test_a_missing_argument_is_an_object(name):
    result, last = call([*COMMANDS[name][0], "--json"])
    assert result.exit_code == 2
    assert last["error"]["message"].startswith("Missing")


@pytest.mark.parametrize("words", [["--json"], ["no-such-command", "--json"], ["runs", "nope", "--json"]])
def test_a_command_that_there_is_not_is_an_object(words):
    result, last = call(words)
    assert (result.exit_code, last["error"]["kind"]) == (2, "usage")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("error", "code", "failure"),
    [
        (
            DataError("x.parquet: no such file"),
            3,
            Failure("data", "x.parquet: no such file", HINTS[DataError]),
        ),
        (OSError(28, "No space left", "/x/y"), 1, Failure("system", "/x/y: No space left")),
        (KeyboardInterrupt(), 130, Failure("interrupted", "interrupted")),
        (Terminated(143), 143, Failure("terminated", "terminated")),
        (KeyError("x"), 1, Failure.of(KeyError("x"))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_goes_wrong_within_a_command_is_an_object(name, error, code, failure, monkeypatch):
    def fail(listener):
        raise error

    monkeypatch.setattr(common, "listening", fail)
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        result, last = call(words_of(name))
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
    assert result.exit_code == code
    assert last == failure.as_dict()


@pytest.mark.parametrize("module", ALONE)
def test_modules_say_it_likewise(module, run_env):
    command = [sys.executable, "-m", f"raydist.{module}", "--no-such-option", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=run_env, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["kind"] == "usage"


def test_wrong_permissions_for_files_are_an_object_too(run_env):
    program = "from raydist.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "guide", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**run_env, "RAYDIST_UMASK": "nonsense"},
        check=False,
    )
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["kind"] == "config"


PROGRAM = """
import time
from raydist.cli.common import print_line, with_exit_codes
from raydist.cli.root import run_alone

@with_exit_codes
def command(json: bool = False):
    try:
        print_line("working")
        time.sleep(60)
    finally:
        print_line("closing")
        time.sleep(60 * {slow})

run_alone(command)
"""


@pytest.mark.parametrize(
    ("signals", "code", "message"),
    [
        ([signal.SIGINT], 130, "interrupted"),
        ([signal.SIGTERM], 143, "terminated"),
        ([signal.SIGINT, signal.SIGINT], 130, "interrupted again: ended at once"),
    ],
)
def test_a_real_signal_leaves_one_object(run_env, signals, code, message):
    program = PROGRAM.format(slow=len(signals) - 1)
    with subprocess.Popen(
        [sys.executable, "-c", program, "--json"],
        env=run_env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for number in signals:
            process.stderr.readline()
            os.kill(process.pid, number)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == code
    assert [json.loads(line)["error"]["message"] for line in out.splitlines()] == [message]


def test_each_error_of_ours_has_a_kind_and_a_hint_of_its_own():
    failures = [Failure.of(kind("x")) for kind in OWN if kind is not RaydistError]
    assert len({failure.kind for failure in failures}) == len(failures)
    assert all(failure.hint for failure in failures)
    assert {failure.kind for failure in failures} >= {"config", "data", "worker", "damaged_checkpoint"}


def test_hints_name_commands_that_there_are():
    named = [words.split()[0] for hint in HINTS.values() for words in hint.split("raydist ")[1:]]
    assert set(named) - {"COMMAND"} <= {name.split()[0] for name in COMMANDS}


def test_the_words_of_this_process_are_looked_at(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["raydist", "score", "--json"])
    assert wants_json()
