"""The board: a small actor through which the workers of a run hand each other references, and tell the driver how it goes.

Workers wait here for the targets of an epoch, not inside a collective: a refresh may take longer than a collective's patience.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import ray

Key = tuple[int, int]
"""(attempt of the worker group, epoch)."""


@ray.remote(num_cpus=0)
class Board:
    """Values by key, and a list of messages."""

    def __init__(self) -> None:
        self._attempts = 0
        self._features: dict[Key, dict[int, Any]] = defaultdict(dict)
        self._targets: dict[Key, Any] = {}
        self._messages: list[dict[str, Any]] = []
        self._failure: Exception | None = None
        self._allowed, self._dismissed = 0, False
        self._changed = asyncio.Condition()

    async def new_attempt(self) -> int:
        """A number for a worker group that starts; what earlier groups left is dropped."""
        self._attempts += 1
        self._features.clear()
        self._targets.clear()
        return self._attempts

    async def deliver(self, key: Key, rank: int, boxed: list[Any]) -> None:
        """A worker's features of an epoch, as a list of one reference."""
        async with self._changed:
            self._features[key][rank] = boxed
            self._changed.notify_all()

    async def collect(self, key: Key, size: int) -> list[list[Any]]:
        """The features of all ranks, in their order, once all are there."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._features[key]) == size)
            parts = self._features.pop(key)
        return [parts[rank] for rank in range(size)]

    async def publish(self, key: Key, boxed: list[Any]) -> None:
        """The targets of an epoch, as a list of one reference; those of earlier epochs are dropped."""
        async with self._changed:
            self._targets = {key: boxed}
            self._changed.notify_all()

    async def wait(self, key: Key) -> list[Any]:
        """The targets of an epoch, once they are there."""
        async with self._changed:
            await self._changed.wait_for(lambda: key in self._targets)
            return list(self._targets[key])

    async def say(self, message: dict[str, Any]) -> None:
        """Tell the driver something."""
        self._messages.append(message)

    async def messages(self, start: int) -> list[dict[str, Any]]:
        """All messages from number `start` on."""
        return self._messages[start:]

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

    async def dismiss(self) -> None:
        """Workers that wait after an epoch are no longer wanted."""
        async with self._changed:
            self._dismissed = True
            self._changed.notify_all()

    async def may_go_on(self, epoch: int) -> bool:
        """Whether a worker may go on after an epoch, once that is decided; the same for all of them."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._allowed >= epoch or self._dismissed)
            return self._allowed >= epoch
