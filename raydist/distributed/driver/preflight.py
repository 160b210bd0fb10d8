"""What would stop a training or a search later, asked in a second before anything is started."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from raydist.distributed.address import cluster_address
from raydist.distributed.driver.memory import GroupMemory
from raydist.engine.checkpoint_room import checkpoint_room
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config
from raydist.health.finding import Finding, require_healthy
from raydist.health.local_cluster import local_findings
from raydist.health.machine import check_disk
from raydist.places import copy_of

DISK_FIX = "make room, or choose another folder with run.dir"


def preflight(config: Config, memory: GroupMemory, resume: RunFolder | None) -> None:
    """Warn of what may stop a training, and refuse one that cannot work.

    Args:
        config: the whole configuration.
        memory: what workers and shards take.
        resume: a run to go on with; None for a new one.

    Raises:
        ConfigError: see `raydist.health.finding.require_healthy`.
    """
    written = len(resume.checkpoints.epochs()) if resume else 0
    room = checkpoint_room(config, memory_mb=memory.prototypes_mb, written=written)
    folder = resume.path if resume else copy_of(config.run.dir)
    disk = check_disk(
        folder, least=room.least, enough=room.most, purpose="the checkpoints of this run", fix=DISK_FIX
    )
    require_healthy([disk, *_of_this_machine(config, memory)])


def preflight_search(parts: Sequence[tuple[Config, GroupMemory]], *, num_trials: int) -> None:
    """The same for a search: one trial must be possible, and all of them should be.

    Args:
        parts: of a trial, for each data set: its configuration, and what workers and shards take.
        num_trials: trials that have not ended.

    Raises:
        ConfigError: see `raydist.health.finding.require_healthy`.
    """
    base = parts[0][0]
    rooms = [checkpoint_room(config, memory_mb=memory.prototypes_mb) for config, memory in parts]
    disk = check_disk(
        copy_of(base.run.dir),
        least=sum(room.least for room in rooms),
        enough=num_trials * sum(room.most for room in rooms),
        purpose=f"the checkpoints of {num_trials} trials",
        fix=DISK_FIX,
    )
    largest = max((memory for _, memory in parts), key=lambda memory: _needed_mb(base, memory))
    possible = max(1, (os.cpu_count() or 1) // base.ray.fewest_workers)
    at_once = min(num_trials, base.tune.max_concurrent or possible, possible)
    require_healthy([disk, *_of_this_machine(base, largest, at_once=at_once)])


def _of_this_machine(config: Config, memory: GroupMemory, *, at_once: int = 1) -> Iterator[Finding]:
    if cluster_address(config.ray.address) is None:  # the nodes of a cluster are other machines
        yield from local_findings(
            num_workers=config.ray.fewest_workers,
            num_shards=config.ray.num_shards,
            worker_mb=memory.worker_mb(use_gpu=config.ray.use_gpu),
            shard_mb=memory.shard_mb,
            at_once=at_once,
        )


def _needed_mb(config: Config, memory: GroupMemory) -> float:
    return memory.worker_mb(use_gpu=config.ray.use_gpu) + memory.shard_mb
