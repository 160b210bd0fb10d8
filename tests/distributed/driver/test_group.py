"""Calls that are run in another thread than the main one, which needs no cluster."""

import threading
import time

import pytest

from raydist.distributed.driver.group import run_in_thread


def test_a_call_runs_in_another_thread_while_this_one_goes_on():
    here, seen = threading.current_thread(), []
    run_in_thread(
        lambda: (seen.append(threading.current_thread()), time.sleep(0.7)),
        meanwhile=lambda: seen.append(threading.current_thread()),
    )
    assert seen[0] is not here
    assert len(seen) >= 3
    assert all(thread is here for thread in seen[1:])


def test_what_a_call_said_last_is_heard_before_its_error():
    said, heard = [], []

    def call():
        said.append("last words")
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        run_in_thread(call, meanwhile=lambda: heard.extend(said))
    assert heard


def test_a_listener_may_end_it():
    go_on = threading.Event()

    def stop():
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run_in_thread(go_on.wait, meanwhile=stop)
    go_on.set()
