"""A process of another host that is at work on a folder of an object store."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest
from pyarrow import fs

from raydist import lease, stored_lease
from raydist.errors import ConfigError
from raydist.object_store import at_hand
from raydist.owner import Owner, owned
from tests.s3_server import BUCKET

OTHER_HOST = """
import socket, sys
from raydist import stored_lease

socket.gethostname, stored_lease.BEAT_SECONDS = lambda: "node-7", 1
from raydist.object_store import at_hand
from raydist.owner import owned

folder = at_hand(sys.argv[1])
folder.mkdir(parents=True)
with owned(folder):
    print("at work", flush=True)
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.fixture
def elsewhere(s3, tmp_path):
    """A process of another host, which has a copy of its own."""
    env = {**os.environ, "RAYDIST_HOME": str(tmp_path / "elsewhere")}
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_HOST, f"{s3}/runs/a"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "at work\n"
        yield process
        process.kill()


@pytest.fixture
def folder(s3, monkeypatch):
    """The copy of this host, which waits four seconds for a sign of life."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 4.0)
    folder = at_hand(f"{s3}/runs/a")
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def lock(s3):
    """The object, for this process."""
    return fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"]), f"{BUCKET}/runs/a/lock.json"


def is_locked(lock):
    store, key = lock
    return store.get_file_info(key).type == fs.FileType.File


def test_a_process_of_another_host_that_lives_is_waited_for(elsewhere, folder, lock):
    with (
        pytest.raises(ConfigError, match=r"^s3://.*/runs/a is in use by process \d+ on node-7 .*: wait for"),
        owned(folder),
    ):
        pass
    elsewhere.communicate("", timeout=60)
    assert not is_locked(lock)
    with owned(folder):
        assert is_locked(lock)
    assert not is_locked(lock)


def test_what_a_lost_process_of_another_host_had_is_taken_over(elsewhere, folder, lock):
    elsewhere.kill()
    elsewhere.wait()
    assert is_locked(lock)
    with owned(folder):
        assert is_locked(lock)
    assert not is_locked(lock)


def test_a_process_that_slept_too_long_is_interrupted_and_leaves_the_object_alone(elsewhere, folder, lock):
    elsewhere.send_signal(signal.SIGSTOP)
    with owned(folder):
        elsewhere.send_signal(signal.SIGCONT)
        assert elsewhere.stdout.readline() == "interrupted\n"
        elsewhere.wait(timeout=60)
        assert is_locked(lock)


def test_a_process_of_this_host_that_is_gone_is_not_waited_for(folder, lock, monkeypatch):
    store, key = lock
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    before = dataclasses.replace(Owner.this_process(), pid=gone.pid)
    with store.open_output_stream(key) as stream:
        stream.write(before.as_text())
    monkeypatch.setattr(stored_lease, "require_lost", None)
    with owned(folder):
        pass
    assert not is_locked(lock)


def test_of_two_that_come_at_the_same_moment_the_first_gives_way(folder, lock, monkeypatch):
    store, key = lock
    other = dataclasses.replace(Owner.this_process(), host="node-7")

    def sign_too(_):
        with store.open_output_stream(key) as stream:
            stream.write(other.as_text())

    monkeypatch.setattr(time, "sleep", sign_too)
    with pytest.raises(ConfigError, match=r"in use by process .* on node-7"), owned(folder):
        pass
    assert is_locked(lock)
