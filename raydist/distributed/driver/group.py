"""How a driver runs a group of Ray Train workers with its board and its feature shards.

`raydist.distributed.driver.training` has one group for its run, `raydist.distributed.tune.trial_driver` one
for each trial of a search. What the workers execute is in `raydist.distributed.worker`.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from raydist.distributed.job import ActorHandle, AnyJob, GroupActors
from raydist.engine.schema import RaySection
from raydist.errors import WorkerError

POLL_SECONDS = 0.3
COLLECTIVE_SECONDS = 600
"""How long a collective of the workers may take."""


@contextmanager
def group_actors(section: RaySection, *, search_budget: int) -> Iterator[GroupActors]:
    """The board and the feature shards of a group, for the length of a block.

    Args:
        section: how many shards, and their threads.
        search_budget: bytes that the search of a shard may take.
    """
    import ray

    from raydist.distributed.board import Board
    from raydist.distributed.shards.feature_shard import start_shards

    # a strategy is named, since actors of a Tune trial would else be put into its placement group
    board = Board.options(scheduling_strategy="DEFAULT").remote()  # type: ignore[attr-defined]
    shards = start_shards(section.num_shards, threads=section.shard_threads, memory_budget=search_budget)
    try:
        yield GroupActors(board, shards)
    finally:
        for actor in (board, *shards):
            ray.kill(actor)


def run_group(
    worker: Callable[[AnyJob], None],
    job: AnyJob,
    section: RaySection,
    *,
    name: str,
    storage: Path,
    on_event: Callable[[Any], None],
    advice: str = "",
) -> None:
    """Run a group of workers to its end.

    Args:
        worker: what each worker executes.
        job: its argument.
        section: how many workers, and how often they may fail.
        name: of the Ray Train run; Ray Train would silently go on with an earlier one of the same name.
        storage: the folder in which Ray Train keeps its files; they are deleted.
        on_event: called with every `raydist.distributed.board.BoardEvent` that a worker posts.
        advice: what to do when they failed too often.

    Raises:
        WorkerError: workers failed more often than ``ray.max_failures``; or the error that a worker noted on
            the board.
    """
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    trainer = TorchTrainer(
        partial(worker, job),
        torch_config=TorchConfig(backend="nccl" if section.use_gpu else "gloo", timeout_s=COLLECTIVE_SECONDS),
        scaling_config=ScalingConfig(num_workers=section.num_workers, use_gpu=section.use_gpu),
        run_config=RunConfig(
            name=name,
            storage_path=str(storage),
            failure_config=FailureConfig(max_failures=section.max_failures),
        ),
    )
    board, cause = job.actors.board, None
    try:
        run_in_thread(trainer.fit, meanwhile=_forwarder(board, on_event))
    except Exception as error:
        cause = error
    finally:
        failure = ray.get(board.failure.remote())
        shutil.rmtree(storage / name, ignore_errors=True)
    if failure:
        raise failure from cause
    if cause:
        raise WorkerError(
            f"workers failed more than {section.max_failures} times (ray.max_failures){advice}\n{cause}"
        ) from cause


def run_in_thread(call: Callable[[], object], *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Run a call in a thread of its own, while this one stays open to signals.

    In the main thread Ray Train and Ray Tune would replace our signal handlers by theirs, and end with other
    codes.

    Args:
        call: what is run.
        meanwhile: called in this thread a few times a second, and once more at the end.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        meanwhile()
    meanwhile()
    if errors:
        raise errors[0]


def _forwarder(board: ActorHandle, on_event: Callable[[Any], None]) -> Callable[[], None]:
    """A function that passes on what is new on the board, at each call."""
    import ray

    num_forwarded = 0

    def forward() -> None:
        nonlocal num_forwarded
        for event in ray.get(board.events.remote(num_forwarded)):
            num_forwarded += 1
            on_event(event)

    return forward
