"""A file that a process of another host has signed, on a file system whose locks other hosts do not see."""

import json
import signal
import subprocess
import sys

import pytest

from raydist import lease, owner
from raydist.errors import ConfigError
from raydist.owner import LOCK, owned, owner_of

OTHER_HOST = """
import fcntl, socket, sys, time
from pathlib import Path
from raydist import lease

def no_locks(*_):
    raise OSError("no locks")

fcntl.flock, socket.gethostname, lease.BEAT_SECONDS = no_locks, lambda: "node-7", 0.05
from raydist.owner import owned

with owned(Path(sys.argv[1])):
    print("at work", flush=True)
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.fixture
def no_locks(monkeypatch):
    """Locks are of no use, and one waits a second for a sign of life."""

    def refuse(*_):
        raise OSError("no locks")

    monkeypatch.setattr(owner.fcntl, "flock", refuse)
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(lease, "_LOOK_SECONDS", 0.2)


@pytest.fixture
def elsewhere(tmp_path):
    """A process of another host that is at work in the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_HOST, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "at work\n"
        yield process
        process.kill()


def test_a_process_of_another_host_that_lives_is_waited_for(no_locks, elsewhere, tmp_path):
    with (
        pytest.raises(ConfigError, match=r"in use by process \d+ on node-7 .*: wait for its end"),
        owned(tmp_path),
    ):
        pass
    elsewhere.communicate("", timeout=60)
    assert not (tmp_path / LOCK).exists()
    with owned(tmp_path):
        assert owner_of(tmp_path).host != "node-7"


def test_what_a_lost_process_of_another_host_had_is_taken_over(no_locks, elsewhere, tmp_path):
    elsewhere.kill()
    elsewhere.wait()
    with owned(tmp_path):
        assert owner_of(tmp_path).host != "node-7"
    assert not (tmp_path / LOCK).exists()


def test_a_process_that_slept_too_long_is_interrupted_and_leaves_the_file_alone(
    no_locks, elsewhere, tmp_path
):
    elsewhere.send_signal(signal.SIGSTOP)
    with owned(tmp_path):
        elsewhere.send_signal(signal.SIGCONT)
        assert elsewhere.stdout.readline() == "interrupted\n"
        assert elsewhere.wait(60) == 0
        assert json.loads((tmp_path / LOCK).read_text())["host"] != "node-7"


def test_a_process_of_an_earlier_version_on_another_host_is_believed(no_locks, tmp_path):
    (tmp_path / LOCK).write_text(json.dumps({"host": "node-7", "pid": 1, "since": "noon"}))
    with (
        pytest.raises(ConfigError, match=r"if that process has ended for certain, delete .*lock\.json"),
        owned(tmp_path),
    ):
        pass
