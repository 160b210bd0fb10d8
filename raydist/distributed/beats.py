"""Signs of life of workers: what each sends to the board, and which of them do not get on."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


def started_at(process: psutil.Process) -> float:
    """When a process of this machine started, in seconds since its boot: the same after the clock is set."""
    return process.create_time() - psutil.boot_time()


@dataclass(frozen=True)
class Beat:
    """A sign of life of a worker.

    Attributes:
        rank: of the worker.
        node: the id of its node in Ray.
        pid: of its process.
        started: when that process started, as `started_at` says it: process ids are used again.
        count: see `raydist.engine.progress.Progress`.
        doing: see there.
        waits: see there.
        peak: bytes that the process took at its peak.
    """

    rank: int
    node: str
    pid: int
    started: float
    count: int
    doing: str
    waits: bool
    peak: int = 0


@dataclass(frozen=True)
class HungRank:
    """A worker that does not get on.

    Attributes:
        beat: the last of its signs of life.
        seconds: how long it has not got on.
        is_silent: whether there is no sign of life at all.
    """

    beat: Beat
    seconds: float
    is_silent: bool

    def line(self) -> str:
        """What is said of it."""
        how = "gave no sign of life" if self.is_silent else "did not get on"
        return f"worker {self.beat.rank} {how} for {self.seconds:.0f} s ({self.beat.doing}): it is ended"


class BeatMonitor:
    """What is known of the workers of a group; all times are seconds of one clock.

    A worker is hung when it sends nothing for too long, or always the same and does not wait. Where no one
    looked for long, such as on a machine that was suspended, the time counts from then on.

    Attributes:
        peaks: rank -> bytes that its processes took at most, those that were lost and those that left too.
    """

    def __init__(self) -> None:
        self._beats: dict[int, Beat] = {}
        self._heard: dict[int, float] = {}
        self._moved: dict[int, float] = {}
        self._looked: float | None = None
        self.peaks: dict[int, int] = {}

    def take(self, beat: Beat, now: float) -> None:
        """Take a sign of life."""
        before = self._beats.get(beat.rank)
        if before is None or before.waits != beat.waits or before.count != beat.count:
            self._moved[beat.rank] = now
        self._beats[beat.rank], self._heard[beat.rank] = beat, now
        self.peaks[beat.rank] = max(beat.peak, self.peaks.get(beat.rank, 0))

    def leave(self, rank: int) -> None:
        """A worker has ended."""
        self._beats.pop(rank, None)

    def only(self, num_workers: int) -> None:
        """The group has so many workers: those of higher ranks are not waited for any more."""
        self._beats = {rank: beat for rank, beat in self._beats.items() if rank < num_workers}

    def doing(self) -> dict[int, str]:
        """What each worker did last."""
        return {rank: beat.doing for rank, beat in self._beats.items()}

    def hung(self, timeout: float, now: float) -> list[HungRank]:
        """The workers that have not got on for `timeout` seconds."""
        if self._looked is None or now - self._looked > timeout / 2:
            self._heard = dict.fromkeys(self._beats, now)
            self._moved = dict.fromkeys(self._beats, now)
        self._looked = now
        hung = []
        for rank, beat in sorted(self._beats.items()):
            silent, still = now - self._heard[rank], now - self._moved[rank]
            if silent > timeout:
                hung.append(HungRank(beat, silent, is_silent=True))
            elif still > timeout and not beat.waits:
                hung.append(HungRank(beat, still, is_silent=False))
        return hung
