"""Actors that share the blocks of a command's work, and the results in the order of the blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from raydist.distributed.causes import first_cause
from raydist.distributed.job import ActorHandle
from raydist.distributed.resources import check_actors
from raydist.errors import WorkerError

AHEAD = 2
"""Blocks that an actor is asked for at a time: the one that it is at, and the next."""

RESTARTS = 2
"""How often an actor whose process is lost is started again, before the command fails."""

Block = TypeVar("Block")
Result = TypeVar("Result")


@contextmanager
def started(
    kind: type, *arguments: object, num_workers: int, use_gpu: bool = False
) -> Iterator[list[ActorHandle]]:
    """Actors for the length of a block of code, on the cluster that this process is in.

    One that is lost is started again and asked again: its methods must depend on their arguments alone.

    Args:
        kind: their class.
        arguments: of its constructor.
        num_workers: how many, each on one CPU.
        use_gpu: whether each has a GPU too.

    Raises:
        ConfigError: the machine has too few CPUs or GPUs, see `check_actors`.
    """
    check_actors(num_workers, use_gpu=use_gpu)
    options = ray.remote(num_cpus=1, num_gpus=int(use_gpu), max_restarts=RESTARTS, max_task_retries=RESTARTS)
    actor: ActorHandle = options(kind)
    actors = [actor.remote(*arguments) for _ in range(num_workers)]
    try:
        yield actors
    finally:
        for each in actors:
            ray.kill(each)


def in_order(
    actors: list[ActorHandle],
    ask: Callable[[ActorHandle, Block], ray.ObjectRef[Result]],
    blocks: Iterable[Block],
) -> Iterator[Result]:
    """The results of blocks that actors take in turn, in the order of the blocks.

    Args:
        actors: at least one.
        ask: asks an actor for a block; of all results, so many are kept at most as `AHEAD` says.
        blocks: what `ask` takes.

    Raises:
        WorkerError: see `result_of`; what an actor raises is raised as it is.
    """
    asked: deque[ray.ObjectRef[Result]] = deque()
    for number, block in enumerate(blocks):
        if len(asked) == AHEAD * len(actors):
            yield result_of(asked.popleft())
        asked.append(ask(actors[number % len(actors)], block))
    while asked:
        yield result_of(asked.popleft())


def result_of(reference: ray.ObjectRef[Result]) -> Result:
    """The result of a method of an actor; what it raised is raised as it would be in this process.

    Raises:
        WorkerError: the actor was lost more often than it is started again.
    """
    try:
        return ray.get(reference)
    except RayTaskError as error:
        raise first_cause(error) from None
    except RayError as error:
        raise WorkerError(
            f"a Ray actor was lost {RESTARTS + 1} times, or could not start: give the command again, with "
            f"fewer --workers if memory was short ({error})"
        ) from None
