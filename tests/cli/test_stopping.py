import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import time
from raydist.cli.common import advising, print_line, with_exit_codes

@with_exit_codes
def command():
    with advising(lambda: {advice!r}):
        try:
            print_line("working")
            time.sleep({working})
        finally:
            print_line("closing")
            time.sleep({closing})
            print_line("closed")

command()
"""


def stopped(run_env, numbers, *, closing, working=60, advice=None, before=""):
    """The exit code and the lines of a command that is sent signals, each when it has said something."""
    code = before + PROGRAM.format(closing=closing, working=working, advice=advice)
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


def test_a_terminal_that_closes_ends_the_command_with_its_own_code(run_env):
    hearing = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"  # these tests may run under nohup
    code, lines = stopped(run_env, [signal.SIGHUP], closing=0, before=hearing)
    assert code == 129
    assert lines[:4] == ["working", "closing", "closed", "terminated"]


def test_a_command_under_nohup_does_not_hear_it(run_env):
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    code, lines = stopped(run_env, [signal.SIGHUP], closing=0, working=0.5, before=ignoring)
    assert code == 0
    assert lines == ["working", "closing", "closed"]


LINES = """
import time
from pathlib import Path
from raydist.cli.common import print_line, with_exit_codes
from raydist.cli.line_log import log_to

@with_exit_codes
def command():
    log_to(Path({log!r}))
    for number in range(4):
        print_line(f"line {{number}}")
        time.sleep(0.3)

command()
"""


TABLE = """
    print_table(["heading"], [["a row"]])

from raydist.cli.common import print_table
command()
"""


def test_who_reads_the_lines_may_end_before_the_command(run_env, tmp_path):
    """The rest is in the log of the run, and the command goes on."""
    code = LINES.format(log=str(tmp_path / "log.txt"))
    with subprocess.Popen([sys.executable, "-c", code], env=run_env, stderr=subprocess.PIPE) as process:
        process.stderr.readline()
        process.stderr.close()
    assert process.returncode == 0
    assert [line.split()[-1] for line in (tmp_path / "log.txt").read_text().splitlines()] == list("0123")


def test_the_terminal_may_be_lost(run_env, tmp_path):
    """As a connection does that breaks; a table is printed too."""
    code = LINES.format(log=str(tmp_path / "log.txt")).replace("\n\ncommand()", TABLE)
    terminal, other_end = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code], env=run_env, stdout=other_end, stderr=other_end, start_new_session=True
    ) as process:
        os.close(other_end)
        os.read(terminal, 1)
        os.close(terminal)
        process.wait(timeout=30)
    assert process.returncode == 0
    lines = (tmp_path / "log.txt").read_text()
    assert "line 3" in lines
    assert "heading" in lines


def test_a_second_ctrl_c_says_how_to_go_on(run_env):
    _, lines = stopped(run_env, [signal.SIGINT] * 2, closing=60, advice="go on with: this")
    assert lines[2:] == ["interrupted again: ended at once; go on with: this"]


def test_sigterm_that_comes_twice_is_one(run_env):
    _, lines = stopped(run_env, [signal.SIGTERM, signal.SIGTERM], closing=0.5)
    assert lines[:4] == ["working", "closing", "closed", "terminated"]
