"""The board: a small actor through which the workers of a group share references, and tell the driver how it
goes.

Workers wait here for the targets of an epoch, not inside a collective: a refresh may take longer than the
time-out of a collective.

A board that is lost is started again by Ray, empty and under another name: who asks it under the old name
hears that it was lost, and the group of workers starts again from its last checkpoint.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import ray

from raydist.distributed.beats import Beat, BeatMonitor, HungRank
from raydist.distributed.references import Piece, Shared
from raydist.engine.events import Event
from raydist.memory_meter import process_peak
from raydist.tuning.report import TrialReport

BoardEvent = Event | TrialReport
"""What workers tell the driver: in a training an event, in a trial its report of an epoch.

Both come from modules that import little: the board has a process of its own, which stays small.
"""


class BoardLost(RuntimeError):
    """The board is another one than before, and knows nothing of what was on the old one."""


class Attempt(NamedTuple):
    """A group of workers from one start of theirs to the next.

    Attributes:
        board: the name of the board that counted it.
        number: counted from 1.
    """

    board: str
    number: int


class EpochKey(NamedTuple):
    """An epoch of one attempt: the workers of a group that were started anew never see what earlier ones
    left."""

    attempt: Attempt
    epoch: int


@dataclass(frozen=True)
class News:
    """What a driver asks the board for, again and again.

    Attributes:
        board: the name of the board.
        events: those that the driver has not seen.
        hung: workers that do not get on.
        doing: what each worker did last.
        attempt: how often the workers have started, as far as this board knows.
        num_workers: how many they were when they started last.
    """

    board: str
    events: Sequence[BoardEvent]
    hung: Sequence[HungRank]
    doing: Mapping[int, str]
    attempt: int
    num_workers: int = 0


@ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=0)
class Board:
    """References by epoch, and what the workers tell the driver."""

    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._attempts = self._num_workers = 0
        self._monitor = BeatMonitor()
        self._features: dict[EpochKey, dict[int, Sequence[Piece]]] = defaultdict(dict)
        self._targets: dict[EpochKey, Shared] = {}
        self._events: list[BoardEvent] = []
        self._failure: Exception | None = None
        self._allowed, self._stopped = 0, False
        self._changed = asyncio.Condition()

    async def name(self) -> str:
        """What this board is called, and none before or after it."""
        return self._name

    async def new_attempt(self, num_workers: int) -> Attempt:
        """A number for a group of workers that starts; what earlier attempts left is dropped."""
        self._attempts, self._num_workers = self._attempts + 1, num_workers
        self._monitor.only(num_workers)
        self._features.clear()
        self._targets.clear()
        return Attempt(self._name, self._attempts)

    async def put_features(self, key: EpochKey, rank: int, features: Sequence[Piece]) -> None:
        """Take references to one worker's features of an epoch."""
        self._check(key.attempt.board)
        async with self._changed:
            self._features[key][rank] = features
            self._changed.notify_all()

    async def take_features(self, key: EpochKey, num_workers: int) -> Sequence[Piece]:
        """Those of all ranks, once all are there; they are not kept."""
        self._check(key.attempt.board)
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._features[key]) == num_workers)
            parts = self._features.pop(key)
        return [piece for rank in range(num_workers) for piece in parts[rank]]

    async def put_targets(self, key: EpochKey, targets: Shared) -> None:
        """Take the targets of an epoch; those of earlier epochs are dropped."""
        self._check(key.attempt.board)
        async with self._changed:
            self._targets = {key: targets}
            self._changed.notify_all()

    async def targets(self, key: EpochKey) -> Shared:
        """The targets of an epoch, once they are there."""
        self._check(key.attempt.board)
        async with self._changed:
            await self._changed.wait_for(lambda: key in self._targets)
            return self._targets[key]

    async def post(self, event: BoardEvent) -> None:
        """Tell the driver something."""
        self._events.append(event)

    async def news(self, board: str, start: int, hang_timeout: float) -> News:
        """What is new.

        Args:
            board: the name of the board that was asked before, or another text.
            start: how many of its events the driver has seen; those of another board it has not seen.
            hang_timeout: seconds after which a worker that does not get on is hung.
        """
        new = self._events[start if board == self._name else 0 :]
        hung = self._monitor.hung(hang_timeout, time.monotonic())
        return News(self._name, new, hung, self._monitor.doing(), self._attempts, self._num_workers)

    async def beat(self, beat: Beat) -> None:
        """Take a sign of life of a worker."""
        self._monitor.take(beat, time.monotonic())

    async def leave(self, rank: int) -> None:
        """A worker has ended by itself."""
        self._monitor.leave(rank)

    async def peaks(self) -> tuple[int, Mapping[int, int]]:
        """Bytes that this process, and each worker by its rank, took at their peaks."""
        return process_peak(), dict(self._monitor.peaks)

    async def fail(self, error: Exception) -> None:
        """Note an error that would come again however often the workers are started."""
        self._failure = self._failure or error

    async def failure(self) -> Exception | None:
        """The first such error."""
        return self._failure

    async def allow(self, epoch: int) -> None:
        """Workers that wait after an epoch may go on."""
        async with self._changed:
            self._allowed = max(self._allowed, epoch)
            self._changed.notify_all()

    async def stop(self) -> None:
        """Workers that wait after an epoch are to end."""
        async with self._changed:
            self._stopped = True
            self._changed.notify_all()

    async def may_go_on(self, board: str, epoch: int) -> bool:
        """Whether a worker may go on after an epoch, once that is decided; the same for all of them.

        Args:
            board: the name of the board that the worker knows.
            epoch: counted from 1.
        """
        self._check(board)
        async with self._changed:
            await self._changed.wait_for(lambda: self._allowed >= epoch or self._stopped)
            return self._allowed >= epoch

    def _check(self, board: str) -> None:
        """Refuse what is meant for a board that was lost."""
        if board != self._name:
            raise BoardLost("the board was lost and started again: its workers start again too")
