"""A group of Ray Train workers with its board and its feature shards: how a driver runs it, and how each worker begins.

`raydist.distributed.driver.training` has one group for its run, `raydist.distributed.tune.trial` one for each trial of a search.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from raydist.distributed.shards.memory import check_shard_memory
from raydist.engine.inputs import open_inputs
from raydist.engine.process_group import ProcessGroup, SingleProcess, TorchProcessGroup
from raydist.engine.schema import Config, RaySection
from raydist.engine.state import RunState, build_state
from raydist.errors import RaydistError, WorkerError
from raydist.home import cache_folder
from raydist.types import Modality

Message = dict[str, Any]
OnEvent = Callable[[Message], None]
Job = dict[str, Any]
"""What all workers are given: the handles ``board`` and ``shards``, and what they are to do."""

POLL_SECONDS = 0.3


@contextmanager
def group_actors(section: RaySection, *, search_budget: int) -> Iterator[Job]:
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
        yield {"board": board, "shards": shards}
    finally:
        for actor in (board, *shards):
            ray.kill(actor)


def run_group(
    worker: Callable[[Job], None],
    job: Job,
    section: RaySection,
    *,
    name: str,
    storage: Path,
    say: OnEvent,
    advice: str = "",
) -> None:
    """Run a group of workers to its end.

    Args:
        worker: what each worker executes.
        job: its argument.
        section: how many workers, and how often they may fail.
        name: of the Ray Train run; Ray Train would silently go on with an earlier one of the same name.
        storage: the folder in which Ray Train keeps its files; they are deleted.
        say: told what the workers tell the board.
        advice: what to do when they failed too often.

    Raises:
        WorkerError: workers failed more often than ``ray.max_failures``; or the error that a worker noted on the board.
    """
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    trainer = TorchTrainer(
        worker,
        train_loop_config=job,
        torch_config=TorchConfig(backend="nccl" if section.use_gpu else "gloo", timeout_s=600),
        scaling_config=ScalingConfig(num_workers=section.num_workers, use_gpu=section.use_gpu),
        run_config=RunConfig(
            name=name,
            storage_path=str(storage),
            failure_config=FailureConfig(max_failures=section.max_failures),
        ),
    )
    cause = None
    try:
        run_in_thread(trainer.fit, meanwhile=_passing_on(job["board"], say))
    except Exception as error:
        cause = error
    finally:
        failure = ray.get(job["board"].failure.remote())
        shutil.rmtree(storage / name, ignore_errors=True)
    if failure:
        raise failure from cause
    if cause:
        raise WorkerError(
            f"workers failed more than {section.max_failures} times (ray.max_failures){advice}\n{cause}"
        ) from cause


def run_in_thread(call: Callable[[], object], *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Run a call in a thread of its own, while this one stays open to signals.

    In the main thread Ray Train and Ray Tune would put handlers of their own in the place of ours, and end with other codes.

    Args:
        call: what is run.
        meanwhile: called in this thread a few times a second, and once more at the end.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        meanwhile()
    meanwhile()
    if raised:
        raise raised[0]


def _passing_on(board: Any, say: OnEvent) -> Callable[[], None]:
    """Passes on what is new on the board, at each call."""
    import ray

    heard = 0

    def pass_on() -> None:
        nonlocal heard
        for message in ray.get(board.messages.remote(heard)):
            heard += 1
            say(message)

    return pass_on


def shard_memory_of(config: Config, sizes: Sequence[int], width: int) -> tuple[float, int]:
    """Megabytes that a shard takes for the larger modality, and bytes that its search may take.

    Args:
        config: the whole configuration.
        sizes: tracklets of each modality.
        width: D of the encoder.

    Raises:
        ConfigError: a shard takes more than ``memory.shard_mb``.
    """
    section, specs = config.ray, [config.clustering.spec(m).metric for m in Modality]
    return check_shard_memory(
        sizes,
        width,
        specs,
        num_shards=section.num_shards,
        threads=section.shard_threads,
        budget_mb=config.memory.shard_mb,
    )


def run_guarded(job: Job, work: Callable[[Job], None]) -> None:
    """Do the work of a worker; an error that would come again is noted on the board, and the work then not begun again."""
    import ray

    board = job["board"]
    if ray.get(board.failure.remote()):
        return
    try:
        work(job)
    except RaydistError as error:
        ray.get(board.fail.remote(error))
        raise


def setup_worker(*, deterministic: bool) -> ProcessGroup:
    """Set a worker up; the world that it is part of."""
    import ray.train
    import ray.train.torch

    device = ray.train.torch.get_device()
    torch.set_num_threads(1)
    strict = "warn" if device.type == "cuda" else "error"
    # not torch.use_deterministic_algorithms, which loads the whole compiler: seconds of every worker
    torch.set_deterministic_debug_mode(strict if deterministic else "default")
    return (
        TorchProcessGroup(device) if ray.train.get_context().get_world_size() > 1 else SingleProcess(device)
    )


def state_of_worker(config: Config, process_group: ProcessGroup, job: Job) -> RunState:
    """A run before its first epoch, whose refresh is done on the shards."""
    from raydist.distributed.shards.refresh import ShardedRefresh

    inputs = open_inputs(config, cache_folder())
    refresh = ShardedRefresh(
        process_group, job["board"], job["shards"], inputs.tracklets, threads=config.ray.shard_threads
    )
    return build_state(config, inputs, process_group=process_group, refresh=refresh)


@contextmanager
def logging_to(path: Path, process_group: ProcessGroup) -> Iterator[None]:
    """Each worker's log goes to one file, with its rank."""
    handler = logging.FileHandler(path)
    handler.setFormatter(
        logging.Formatter(
            f"%(asctime)s worker {process_group.rank} (pid %(process)d) %(levelname)s %(message)s"
        )
    )
    logger = logging.getLogger("raydist")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.info("started, %d in all", process_group.world_size)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
