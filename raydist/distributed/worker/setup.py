"""How a worker begins and ends: its device, its process group, its state, its log, and errors that are not
tried again."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from raydist.distributed.job import AnyJob, GroupActors
from raydist.engine.allocator import keep_freed_memory
from raydist.engine.checkpoint_folder import CheckpointFolder
from raydist.engine.inputs import Inputs
from raydist.engine.process_group import ProcessGroup, SingleProcess, TorchProcessGroup
from raydist.engine.schema import Config
from raydist.engine.start import is_fresh
from raydist.engine.state import RunState, build_state
from raydist.home import file_umask
from raydist.places import uri_of
from raydist.storage import sent


def run_guarded(job: AnyJob, work: Callable[[AnyJob], None], *, hang_timeout: float) -> None:
    """Do the work of a worker, and send signs of life meanwhile.

    An error that would come again is noted on the board, and workers that are started after it end at once.

    Args:
        job: what the worker is given.
        work: called with it.
        hang_timeout: ``ray.hang_timeout``.
    """
    import ray
    import ray.train

    from raydist.distributed.worker.heart import beating
    from raydist.distributed.worker.lasting import lasting

    board = job.actors.board
    if ray.get(board.failure.remote()):
        return
    with beating(board, ray.train.get_context().get_world_rank(), hang_timeout):
        try:
            work(job)
        except Exception as error:
            if reported := lasting(error):
                ray.get(board.fail.remote(reported))
            raise


def setup_worker(*, deterministic: bool, threads: int = 1) -> ProcessGroup:
    """Set a worker up, and give its process group.

    Args:
        deterministic: whether torch refuses operations that are not (warns of them on a GPU).
        threads: in which it computes.
    """
    import ray.train
    import ray.train.torch

    os.umask(file_umask())
    keep_freed_memory()
    device = ray.train.torch.get_device()
    torch.set_num_threads(threads)
    strict = "warn" if device.type == "cuda" else "error"
    # not torch.use_deterministic_algorithms, which loads the whole compiler: seconds of every worker
    torch.set_deterministic_debug_mode(strict if deterministic else "default")
    if ray.train.get_context().get_world_size() > 1:
        return TorchProcessGroup(device)
    return SingleProcess(device)


def state_of_worker(
    config: Config,
    inputs: Inputs,
    process_group: ProcessGroup,
    actors: GroupActors,
    checkpoints: CheckpointFolder,
) -> RunState:
    """A run before its first epoch, whose refresh is done on the shards; `checkpoints` are its own."""
    from raydist.distributed.shards.refresh_service import ShardedRefresh

    refresh = ShardedRefresh(
        process_group,
        actors.board,
        list(actors.shards),
        inputs.tracklets,
        threads=config.ray.shard_threads,
    )
    fresh = is_fresh(config, checkpoints)
    return build_state(config, inputs, process_group=process_group, refresh=refresh, fresh=fresh)


def log_of_worker(folder: Path, rank: int) -> Path:
    """One file for all; in an object store, where nothing can be added to an object, one for each worker."""
    return folder / ("log.txt" if uri_of(folder) is None else f"log-worker-{rank}.txt")


@contextmanager
def logging_to(path: Path, process_group: ProcessGroup) -> Iterator[None]:
    """The logs of all workers go to one file, each line with the rank."""
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
        sent(path)
