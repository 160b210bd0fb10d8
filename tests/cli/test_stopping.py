import signal
import subprocess
import sys

import pytest

PROGRAM = """
import time
from raydist.cli.common import print_line, with_exit_codes

@with_exit_codes
def command():
    try:
        print_line("working")
        time.sleep(60)
    finally:
        print_line("closing")
        time.sleep({closing})
        print_line("closed")

command()
"""


def stopped(run_env, numbers, *, closing):
    """The exit code and the lines of a command that is sent signals, each when it has said something."""
    code = PROGRAM.format(closing=closing)
    with subprocess.Popen(
        [sys.executable, "-c", code], env=run_env, stderr=subprocess.PIPE, text=True
    ) as process:
        lines = []
        for number in numbers:
            lines.append(process.stderr.readline().strip())
            process.send_signal(number)
        _, rest = process.communicate(timeout=30)
    return process.returncode, lines + rest.splitlines()


@pytest.mark.parametrize(("number", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_the_first_signal_closes_what_was_begun(run_env, number, word):
    _, lines = stopped(run_env, [number], closing=0)
    assert lines[:4] == ["working", "closing", "closed", word]


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_ctrl_c_ends_at_once(run_env, first):
    code, lines = stopped(run_env, [first, signal.SIGINT], closing=60)
    assert code == 130
    assert lines == ["working", "closing", "interrupted again: ended at once"]


def test_sigterm_that_comes_twice_is_one(run_env):
    _, lines = stopped(run_env, [signal.SIGTERM, signal.SIGTERM], closing=0.5)
    assert lines[:4] == ["working", "closing", "closed", "terminated"]
