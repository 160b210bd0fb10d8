"""What a stage of work costs this process: CPU seconds, seconds on the wall, and memory at its peak.

CPU seconds are those of all threads and of child processes that have ended. They hold on a busy machine, where the wall
does not.
"""

from __future__ import annotations

import ctypes
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

import psutil

MEGABYTE = 1e6
_SAMPLING_SECONDS = 0.002
_CLEAR_PEAK = "5"  # see proc(5), /proc/PID/clear_refs


@dataclass(frozen=True)
class Cost:
    """What a piece of work took.

    Attributes:
        cpu: seconds, user and system, of all threads and ended children.
        wall: seconds.
        peak_mb: resident memory at its peak above the beginning of the measurement, in 10^6 bytes.
    """

    cpu: float
    wall: float
    peak_mb: float

    @classmethod
    def together(cls, costs: Mapping[str, Cost]) -> Cost:
        """One after the other: seconds add up, the highest peak counts."""
        parts = costs.values()
        return cls(
            sum(c.cpu for c in parts),
            sum(c.wall for c in parts),
            max((c.peak_mb for c in parts), default=0.0),
        )


class PeakMeter(Protocol):
    """Watches the resident memory of this process."""

    def restart(self) -> None:
        """Forget the peak."""

    def read(self) -> int:
        """Bytes at the peak since the last restart."""


class KernelPeak:
    """The peak as Linux itself keeps it, to the page; where a process may clear it."""

    def restart(self) -> None:
        """See `PeakMeter.restart`."""
        _release_freed_memory()
        Path("/proc/self/clear_refs").write_text(_CLEAR_PEAK)

    def read(self) -> int:
        """See `PeakMeter.read`."""
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])


class SampledPeak:
    """The peak as a thread sees it that looks every few milliseconds; shorter ones may be missed."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._peak = 0
        self._thread: Thread | None = None
        self._done = Event()

    def restart(self) -> None:
        """See `PeakMeter.restart`."""
        self.read()
        _release_freed_memory()
        self._done.clear()
        self._peak = self._process.memory_info().rss
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def read(self) -> int:
        """See `PeakMeter.read`; the thread ends."""
        if self._thread is not None:
            self._done.set()
            self._thread.join()
            self._thread = None
        return self._peak

    def _watch(self) -> None:
        while not self._done.wait(_SAMPLING_SECONDS):
            self._peak = max(self._peak, self._process.memory_info().rss)


def _release_freed_memory() -> None:
    """Return to the system what the allocator keeps of freed memory: it is resident, but not in use.

    Else a process that has freed much would take memory again without a peak. Only glibc offers this.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def peak_meter() -> PeakMeter:
    """The best meter that this system permits."""
    meter = KernelPeak()
    try:
        meter.restart()
        meter.read()
    except (OSError, IndexError, ValueError):
        return SampledPeak()
    return meter


class StageClock:
    """Collects the cost of stages, each above the memory that was in use when the clock was made.

    >>> clock = StageClock()
    >>> with clock.stage("sum"):
    ...     _ = sum(range(10))
    >>> list(clock.costs)
    ['sum']
    """

    def __init__(self) -> None:
        self.costs: dict[str, Cost] = {}
        self._meter = peak_meter()
        self._meter.restart()
        self._base = psutil.Process().memory_info().rss

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what happens inside; a stage of a name that was there before replaces it."""
        self._meter.restart()
        cpu, wall = cpu_seconds(), time.perf_counter()
        yield
        cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
        self.costs[name] = Cost(cpu, wall, max(0, self._meter.read() - self._base) / MEGABYTE)


def cpu_seconds() -> float:
    """CPU seconds that this process and its ended children have used so far."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
