"""Steps on shards that start over when one of these is lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from ray.exceptions import ActorUnavailableError, ObjectLostError, RayActorError, RayTaskError

from raydist.distributed.causes import first_cause
from raydist.distributed.shards.layout import ShardIsEmpty
from raydist.errors import WorkerError

ATTEMPTS = 3
LOST = (ShardIsEmpty, RayActorError, ObjectLostError)
UNKNOWN_SECONDS = 180.0
"""How long a shard may not answer until Ray knows what became of its node: half a minute by default."""

PAUSE = 1.0
"""Seconds between two attempts to reach such a shard."""

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


def retry_lost_shards(step: Callable[[int], Answer]) -> Answer:
    """What a step gives; when a shard is lost meanwhile, it starts over.

    A shard that does not answer is asked again until Ray knows whether it is lost with its node.

    Args:
        step: is given the number of the attempt, from 0; it fills shards that are empty.

    Raises:
        WorkerError: shards were lost `ATTEMPTS` times, or did not answer for `UNKNOWN_SECONDS`.
    """
    num_lost, give_up = 0, time.monotonic() + UNKNOWN_SECONDS
    for attempt in count():
        try:
            return step(attempt)
        except (RayActorError, ObjectLostError, RayTaskError) as error:
            cause = first_cause(error)
            if not isinstance(cause, LOST):
                raise
            if isinstance(cause, ActorUnavailableError) and time.monotonic() < give_up:
                log.warning("a feature shard does not answer: it is asked again")
                time.sleep(PAUSE)
                continue
            num_lost, give_up = num_lost + 1, time.monotonic() + UNKNOWN_SECONDS
            if num_lost == ATTEMPTS:
                break
            what_then = "it is filled again, and the step starts over"
            log.warning("a feature shard was lost (attempt %d): %s", num_lost, what_then)
    raise WorkerError(
        f"feature shards were lost {ATTEMPTS} times in one step: look at the memory of the nodes"
    )
