"""Steps on shards that start over when one of these is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from ray.exceptions import ObjectLostError, RayActorError, RayTaskError

from raydist.distributed.causes import first_cause
from raydist.distributed.shards.layout import ShardIsEmpty
from raydist.errors import WorkerError

ATTEMPTS = 3
LOST = (ShardIsEmpty, RayActorError, ObjectLostError)
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


def retry_lost_shards(step: Callable[[int], Answer]) -> Answer:
    """What a step gives; when a shard is lost meanwhile, it starts over.

    Args:
        step: is given the number of the attempt, from 0; it fills shards that are empty.

    Raises:
        WorkerError: shards were lost in every attempt.
    """
    for attempt in range(ATTEMPTS):
        try:
            return step(attempt)
        except (RayActorError, ObjectLostError, RayTaskError) as error:
            if not isinstance(first_cause(error), LOST):
                raise
            log.warning(
                "a feature shard was lost (attempt %d): it is filled again, and the step starts over",
                attempt + 1,
            )
    raise WorkerError(
        f"feature shards were lost {ATTEMPTS} times in one step: look at the memory of the nodes"
    )
