"""Files that are made whole, and blocks that processes enter one after the other."""

import multiprocessing
import os
import stat
import time

import pytest

from raydist.errors import StorageError
from raydist.storage import one_at_a_time, write_whole


def test_a_file_is_private_and_replaced_as_a_whole(tmp_path):
    path = tmp_path / "file"
    for text in ("one", "two"):
        write_whole(path, text)
        assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "file"
    write_whole(path, "old")
    with pytest.raises(StorageError, match=r"file cannot be written: '\\udc80' is no text"):
        write_whole(path, "new \udc80")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _stay(path, log):
    with one_at_a_time(path), log.open("a") as file:
        for word in ("in", "out"):
            file.write(f"{word} ")
            file.flush()
            time.sleep(0.05)


def _enter_and_die(path, entered):
    with one_at_a_time(path):
        entered.set()
        os._exit(1)


def test_processes_take_turns_and_one_that_dies_lets_the_next_in(tmp_path):
    context = multiprocessing.get_context("spawn")
    path, log, entered = tmp_path / "deep" / "made", tmp_path / "log", context.Event()
    dead = context.Process(target=_enter_and_die, args=(path, entered))
    dead.start()
    assert entered.wait(30)
    turns = [context.Process(target=_stay, args=(path, log)) for _ in range(3)]
    for process in turns:
        process.start()
    for process in [dead, *turns]:
        process.join(30)
    assert [process.exitcode for process in turns] == [0, 0, 0]
    assert log.read_text() == "in out " * 3
