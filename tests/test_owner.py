import fcntl
import json
import multiprocessing
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from raydist.errors import ConfigError, StorageError
from raydist.owner import LOCK, Owner, owned
from raydist.storage import write_whole

SPAWN = multiprocessing.get_context("spawn")


def _work(folder, is_in, may_end):
    with owned(folder):
        is_in.set()
        may_end.wait(60)


@pytest.fixture
def at_work(tmp_path):
    """A process that is at work in the folder, and what lets it end."""
    is_in, may_end = SPAWN.Event(), SPAWN.Event()
    process = SPAWN.Process(target=_work, args=(tmp_path, is_in, may_end))
    process.start()
    assert is_in.wait(60)
    yield process, may_end
    process.kill()
    process.join()


def test_the_second_is_refused_with_the_name_of_the_first(tmp_path, at_work):
    process, may_end = at_work
    with (
        pytest.raises(ConfigError, match=rf"is in use by process {process.pid} on .* since 20") as refused,
        owned(tmp_path),
    ):
        pass
    assert refused.value.exit_code == 2
    may_end.set()
    process.join(60)
    assert not (tmp_path / LOCK).exists()
    with owned(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert os.listdir(tmp_path) == []


def test_a_lock_of_a_dead_process_of_this_host_is_taken_over(tmp_path, at_work):
    process, _ = at_work
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == process.pid
    with owned(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_a_lock_of_another_host_is_refused_with_the_file_to_delete(tmp_path):
    lock = tmp_path / LOCK
    lock.write_text(json.dumps({"host": "gpu-node-7", "pid": 1, "since": "2026-11-28T10:00:00+00:00"}))
    content = lock.read_bytes()
    with (
        pytest.raises(ConfigError, match=rf"process 1 on gpu-node-7 since 2026.*delete {lock}$"),
        owned(tmp_path),
    ):
        pass
    assert lock.read_bytes() == content
    lock.unlink()
    with owned(tmp_path):
        pass


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"host": 3}', b"[" * 9999])
def test_a_lock_without_a_name_is_taken_over(tmp_path, content):
    (tmp_path / LOCK).write_bytes(content)
    with owned(tmp_path):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("is_alive", [True, False])
def test_without_locks_of_the_system_the_number_of_the_process_counts(tmp_path, monkeypatch, is_alive):
    def no_locks(*args):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("raydist.owner.fcntl.flock", no_locks)
    process = SPAWN.Process(target=int)
    process.start()
    if not is_alive:
        process.join(60)
    pid = os.getppid() if is_alive else process.pid
    (tmp_path / LOCK).write_text(json.dumps({"host": Owner.this_process().host, "pid": pid, "since": "noon"}))
    if is_alive:
        with (
            pytest.raises(ConfigError, match=rf"process {pid} on .* if it is none of raydist, delete"),
            owned(tmp_path),
        ):
            pass
    else:
        with owned(tmp_path):
            pass
    process.join(60)


def _write_without_rights(folder, answers):
    """In the folder itself, whose path others may not be allowed to follow."""
    os.chdir(folder)
    if os.getuid() == 0:
        os.setuid(65534)
    for work in (lambda: owned(Path()).__enter__(), lambda: write_whole(Path("file"), "new")):
        try:
            answers.put(f"went on: {work()}")
        except (StorageError, OSError) as error:
            answers.put(str(error))


def test_a_folder_that_cannot_be_written_is_refused_and_left_alone(tmp_path):
    (tmp_path / "file").write_text("old")
    tmp_path.chmod(0o555)
    answers = SPAWN.Queue()
    process = SPAWN.Process(target=_write_without_rights, args=(tmp_path, answers))
    process.start()
    said = [answers.get(timeout=60) for _ in range(2)]
    process.join(60)
    tmp_path.chmod(0o700)
    assert said == [
        ". cannot be written (Permission denied): check the rights",
        "file cannot be written (Permission denied): make room, or check the rights",
    ]
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_of_many_at_once_one_is_at_work(tmp_path, monkeypatch):
    """The lock file may be gone between opening and locking it; there is a moment between both here."""
    lock = fcntl.flock
    monkeypatch.setattr(
        "raydist.owner.fcntl.flock",
        lambda *words: (time.sleep(random.random() * 0.002), lock(*words))[1],
    )
    counts, at_once = [], []
    guard, barrier = threading.Lock(), threading.Barrier(8)

    def work():
        barrier.wait()
        for _ in range(50):
            try:
                with owned(tmp_path):
                    with guard:
                        at_once.append(1)
                        counts.append(len(at_once))
                    time.sleep(0.001)  # others come meanwhile
                    with guard:
                        at_once.pop()
            except ConfigError:
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(counts) == {1}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", [os.symlink, os.link, lambda target, lock: os.mkfifo(lock)])
def test_a_lock_that_leads_to_another_file_is_refused_and_that_file_stays(tmp_path, make):
    target, folder = tmp_path / "thesis.tex", tmp_path / "run"
    target.write_text("years of work")
    folder.mkdir()
    make(target, folder / LOCK)
    with (
        pytest.raises(StorageError, match=rf"{folder / LOCK} is no lock of raydist \(.*remove it"),
        owned(folder),
    ):
        pass
    assert target.read_text() == "years of work"
    assert os.listdir(folder) == [LOCK]


def test_a_lock_is_not_made_through_a_link(tmp_path):
    (tmp_path / LOCK).symlink_to("elsewhere")
    with pytest.raises(StorageError, match="a symbolic link"), owned(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()
