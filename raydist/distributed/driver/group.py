"""How a driver runs a group of Ray Train workers with its board and its feature shards.

`raydist.distributed.driver.training` has one group for its run, `raydist.distributed.tune.trial_driver` one
for each trial of a search. What the workers execute is in `raydist.distributed.worker`.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from raydist.distributed.driver.memory import GroupMemory
from raydist.distributed.job import AnyJob, GroupActors
from raydist.engine.ray_section import RaySection
from raydist.errors import RaydistError, StorageError, WorkerError

POLL_SECONDS = 0.3
COLLECTIVE_SECONDS = 600
"""How long a collective of the workers may take beyond ``ray.hang_timeout``: a worker that hangs is named
before the others give up."""


@contextmanager
def group_actors(section: RaySection, memory: GroupMemory, *, turn: int = 0) -> Iterator[GroupActors]:
    """The board and the feature shards of a group, for the length of a block.

    Args:
        section: how many shards, and their threads.
        memory: what the shards take.
        turn: the number of the group among those that share the cluster, from 0.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from raydist.distributed.board import Board
    from raydist.distributed.shards.start import start_shards

    # on the node of the driver, which is lost with it anyway; and in no placement group of a Tune trial
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    board = Board.options(scheduling_strategy=here).remote()  # type: ignore[attr-defined]
    shards = start_shards(
        section.num_shards,
        threads=section.shard_threads,
        memory_budget=memory.search_budget,
        shard_bytes=memory.shard_bytes,
        turn=turn,
        device=section.shard_device,
    )
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
    asks_for: Mapping[str, float] | None = None,
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
        asks_for: what each worker needs of Ray's resources, by default what the section says.

    Raises:
        WorkerError: workers were lost more often than ``ray.max_failures``.
        RaydistError: the error that a worker noted on the board.
    """
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    from raydist.distributed.driver.watch import Watch
    from raydist.distributed.rendezvous import RestrictedTorchConfig

    trainer = TorchTrainer(
        partial(worker, job),
        torch_config=RestrictedTorchConfig(
            backend="nccl" if section.use_gpu else "gloo",
            timeout_s=section.hang_timeout + COLLECTIVE_SECONDS,
        ),
        scaling_config=ScalingConfig(**_scaling(section, asks_for or section.of_worker)),
        run_config=RunConfig(
            name=name,
            storage_path=str(storage),
            failure_config=FailureConfig(max_failures=section.max_failures),
        ),
    )
    watch = Watch(job.actors.board, on_event, section.hang_timeout, log=job.folder / "log.txt")
    cause = None
    try:
        run_in_thread(trainer.fit, meanwhile=watch.look)
    except Exception as error:
        cause = error
    finally:
        failure = watch.failure()
        shutil.rmtree(storage / name, ignore_errors=True)
    if failure:
        raise _with_advice(failure, advice) from cause
    if cause:
        raise WorkerError(
            f"workers failed more than {section.max_failures} times (ray.max_failures): "
            f"{watch.what_happened(cause)}{advice}"
        ) from cause


def _scaling(section: RaySection, asked: Mapping[str, float]) -> dict[str, Any]:
    """How many workers, and where."""
    return {
        "num_workers": section.num_workers,
        "use_gpu": section.use_gpu,
        "resources_per_worker": dict(asked),
        "accelerator_type": section.accelerator_type,
        "label_selector": section.label_selector or None,
        "elastic_resize_monitor_interval_s": section.resize_seconds,
    }


def _with_advice(failure: RaydistError, advice: str) -> RaydistError:
    """What is not the fault of the run ends with how to go on with it."""
    if not isinstance(failure, StorageError):
        return failure
    return StorageError(f"{failure}{advice}")


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
