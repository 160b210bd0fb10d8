"""The resident memory of this process at its peak."""

from __future__ import annotations

import ctypes
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

import psutil

_SAMPLING_SECONDS = 0.002
_CLEAR_PEAK = "5"  # see proc(5), /proc/PID/clear_refs


class PeakMeter(Protocol):
    """Watches the resident memory of this process."""

    def restart(self) -> None:
        """Forget the peak."""

    def read(self) -> int:
        """Bytes at the peak since the last restart."""


class KernelPeak:
    """The peak as Linux itself records it, to the page; where a process may clear it."""

    def restart(self) -> None:
        """See `PeakMeter.restart`."""
        _release_freed_memory()
        Path("/proc/self/clear_refs").write_text(_CLEAR_PEAK)

    def read(self) -> int:
        """See `PeakMeter.read`."""
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])


class SampledPeak:
    """The peak as seen by a thread that looks every few milliseconds; shorter peaks may be missed.

    Args:
        own: without what is mapped, such as libraries and shared memory.
    """

    def __init__(self, *, own: bool = False) -> None:
        self._process, self._own = psutil.Process(), own
        self._peak = 0
        self._thread: Thread | None = None
        self._done = Event()

    def restart(self) -> None:
        """See `PeakMeter.restart`."""
        self.read()
        _release_freed_memory()
        self._done.clear()
        self._peak = self.now()
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
            self._peak = max(self._peak, self.now())

    def now(self) -> int:
        """Bytes at this moment."""
        memory = self._process.memory_info()
        return memory.rss - (memory.shared if self._own else 0)


def peak_meter() -> PeakMeter:
    """The best meter that this system permits."""
    meter = KernelPeak()
    try:
        meter.restart()
        meter.read()
    except (OSError, IndexError, ValueError):
        return SampledPeak()
    return meter


def process_peak() -> int:
    """Bytes that this process took at its peak, since it began; where the system does not say so, now."""
    try:
        return KernelPeak().read()
    except (OSError, IndexError, ValueError):
        return process_size()


def process_size() -> int:
    """Bytes that this process takes now, without what its allocator keeps."""
    _release_freed_memory()
    return int(psutil.Process().memory_info().rss)


def _release_freed_memory() -> None:
    """Return to the system what the allocator keeps of freed memory: it is resident, but not in use.

    Else a process that has freed much would take memory again without a peak. Only glibc offers this.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
