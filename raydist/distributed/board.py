"""The board: a small actor through which the workers of a group share references, and tell the driver how it
goes.

Workers wait here for the targets of an epoch, not inside a collective: a refresh may take longer than the
time-out of a collective.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import ray

from raydist.engine.events import Event
from raydist.tuning.report import TrialReport

BoardEvent = Event | TrialReport
"""What workers tell the driver: in a training an event, in a trial its report of an epoch.

Both come from modules that import little: the board has a process of its own, which stays small.
"""


class EpochKey(NamedTuple):
    """An epoch of one attempt: the workers of a group that were started anew never see what earlier ones
    left."""

    attempt: int
    epoch: int


@dataclass(frozen=True)
class Shared:
    """A reference to an object in Ray's object store.

    Ray replaces a reference that is itself an argument by the object; inside a dataclass it stays a
    reference, so that the board hands objects on without ever holding them.
    """

    reference: ray.ObjectRef[Any]


@ray.remote(num_cpus=0)
class Board:
    """References by epoch, and what the workers tell the driver."""

    def __init__(self) -> None:
        self._attempts = 0
        self._features: dict[EpochKey, dict[int, Shared]] = defaultdict(dict)
        self._targets: dict[EpochKey, Shared] = {}
        self._events: list[BoardEvent] = []
        self._failure: Exception | None = None
        self._allowed, self._stopped = 0, False
        self._changed = asyncio.Condition()

    async def new_attempt(self) -> int:
        """A number for a group of workers that starts; what earlier attempts left is dropped."""
        self._attempts += 1
        self._features.clear()
        self._targets.clear()
        return self._attempts

    async def put_features(self, key: EpochKey, rank: int, features: Shared) -> None:
        """Take one worker's features of an epoch."""
        async with self._changed:
            self._features[key][rank] = features
            self._changed.notify_all()

    async def take_features(self, key: EpochKey, num_workers: int) -> Sequence[Shared]:
        """The features of all ranks, in their order, once all are there; they are not kept."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._features[key]) == num_workers)
            parts = self._features.pop(key)
        return [parts[rank] for rank in range(num_workers)]

    async def put_targets(self, key: EpochKey, targets: Shared) -> None:
        """Take the targets of an epoch; those of earlier epochs are dropped."""
        async with self._changed:
            self._targets = {key: targets}
            self._changed.notify_all()

    async def targets(self, key: EpochKey) -> Shared:
        """The targets of an epoch, once they are there."""
        async with self._changed:
            await self._changed.wait_for(lambda: key in self._targets)
            return self._targets[key]

    async def post(self, event: BoardEvent) -> None:
        """Tell the driver something."""
        self._events.append(event)

    async def events(self, start: int) -> Sequence[BoardEvent]:
        """All events from number `start` on."""
        return self._events[start:]

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

    async def may_go_on(self, epoch: int) -> bool:
        """Whether a worker may go on after an epoch, once that is decided; the same for all of them."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._allowed >= epoch or self._stopped)
            return self._allowed >= epoch
