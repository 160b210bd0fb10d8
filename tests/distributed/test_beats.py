"""Which workers are hung, by their signs of life."""

import os
from dataclasses import replace
from pathlib import Path

import psutil

from raydist.distributed.beats import Beat, BeatMonitor, started_at

BEAT = Beat(rank=0, node="n", pid=1, started=0.0, count=1, doing="step 1 of 9", waits=False)


def watched(*sent: tuple[float, Beat], until: float, timeout: float = 10):
    """The lines about hung workers, second by second."""
    monitor, lines = BeatMonitor(), {}
    beats = dict(sent)
    for now in range(int(until) + 1):
        if now in beats:
            monitor.take(beats[now], now)
        lines[now] = [(hung.beat.rank, hung.is_silent) for hung in monitor.hung(timeout, now)]
    return lines


def test_the_start_of_a_process_is_counted_from_the_boot():
    after_the_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    ticks = int(after_the_name[19])  # `starttime`, the 22nd field of proc(5)
    assert abs(started_at(psutil.Process()) - ticks / os.sysconf("SC_CLK_TCK")) < 0.1


def test_a_worker_that_gets_on_is_not_hung():
    sent = [(second, replace(BEAT, count=second)) for second in range(0, 41, 5)]
    assert not any(watched(*sent, until=40).values())


def test_a_worker_that_does_not_get_on_is_hung():
    sent = [(second, BEAT) for second in range(0, 41, 5)]
    lines = watched(*sent, until=40)
    assert lines[10] == []
    assert lines[11] == [(0, False)]


def test_a_worker_that_waits_is_hung_only_when_it_is_silent():
    waits = replace(BEAT, waits=True)
    assert not any(watched(*((second, waits) for second in range(0, 41, 5)), until=40).values())
    assert watched((0, waits), until=11)[11] == [(0, True)]


def test_a_worker_that_ended_is_not_hung():
    monitor = BeatMonitor()
    monitor.take(BEAT, 0)
    monitor.leave(0)
    assert [hung for now in range(40) for hung in monitor.hung(10, now)] == []


def test_a_worker_of_a_larger_group_before_is_not_hung():
    monitor = BeatMonitor()
    for rank in (0, 1):
        monitor.take(replace(BEAT, rank=rank), 0)
    monitor.only(1)
    assert monitor.doing() == {0: BEAT.doing}
    assert {hung.beat.rank for now in range(12) for hung in monitor.hung(10, now)} == {0}


def test_the_highest_peak_of_a_worker_is_remembered():
    monitor = BeatMonitor()
    for rank, peak in ((0, 5), (1, 7), (0, 9), (0, 3)):  # the last of them is of a process that began anew
        monitor.take(replace(BEAT, rank=rank, peak=peak), 0)
    monitor.leave(0)
    assert monitor.peaks == {0: 9, 1: 7}


def test_the_time_counts_from_when_it_is_looked_at_again():
    monitor = BeatMonitor()
    monitor.take(BEAT, 0)
    assert [len(monitor.hung(10, now)) for now in (1, 1000, 1005, 1010)] == [0, 0, 0, 0]
    (hung,) = monitor.hung(10, 1011)
    assert hung.line() == "worker 0 gave no sign of life for 11 s (step 1 of 9): it is ended"
