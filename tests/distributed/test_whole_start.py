import subprocess
import sys

import psutil
import pytest

from raydist.distributed.whole_start import whole_start

SLEEPING = [sys.executable, "-c", "import time; time.sleep(600)"]
WITH_A_CHILD = [
    sys.executable, "-c",
    f"import subprocess; child = subprocess.Popen({SLEEPING!r}); print(child.pid, flush=True); child.wait()",
]  # fmt: skip


def begin():
    """Start a process and one below it.

    Returns:
        the first, and the number of the second.
    """
    process = subprocess.Popen(WITH_A_CHILD, stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


def nothing():
    pass


def cut_short(processes, shut_down):
    """A start that has begun a process and one below it when it is interrupted."""
    with whole_start(shut_down):
        processes += begin()
        raise KeyboardInterrupt


@pytest.fixture
def earlier():
    process, below = begin()
    yield process
    psutil.Process(below).kill()
    process.wait()


def test_a_start_that_is_cut_short_leaves_nothing_of_its_own(earlier):
    processes = []
    with pytest.raises(KeyboardInterrupt):
        cut_short(processes, nothing)
    process, below = processes
    assert process.poll() is not None
    assert not psutil.pid_exists(below)
    assert earlier.poll() is None


def test_what_has_lost_its_parent_is_found_too():
    processes = []

    def shut_down():
        process, _ = processes
        assert process.poll() is None  # what is still connected aborts when the other end is killed
        process.kill()
        process.wait()

    with pytest.raises(KeyboardInterrupt):
        cut_short(processes, shut_down)
    assert not psutil.pid_exists(processes[1])


def test_a_start_that_ends_well_is_left_alone():
    with whole_start(nothing):
        process, below = begin()
    assert psutil.pid_exists(below)
    psutil.Process(below).kill()
    assert process.wait(timeout=60) == 0
