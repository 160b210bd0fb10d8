"""What a stage of work costs this process: CPU seconds, seconds on the wall, and memory at its peak.

CPU seconds are those of all threads and of child processes that have ended. They hold on a busy machine,
where the wall does not.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from raydist.memory_meter import KernelPeak, SampledPeak, peak_meter

__all__ = ["MEGABYTE", "Cost", "KernelPeak", "SampledPeak", "StageClock", "cpu_seconds", "peak_meter"]

MEGABYTE = 1e6


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
