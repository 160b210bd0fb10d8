"""What would stop a training later, asked in a second before anything is started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from raydist.distributed.address import cluster_address
from raydist.distributed.driver.memory import GroupMemory
from raydist.engine.checkpoint_room import checkpoint_room
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config
from raydist.health.finding import Finding, require_healthy
from raydist.health.local_cluster import local_findings
from raydist.health.machine import check_disk


def preflight(config: Config, memory: GroupMemory, resume: RunFolder | None) -> None:
    """Warn of what may stop a training, and refuse one that cannot work.

    Args:
        config: the whole configuration.
        memory: what workers and shards take.
        resume: a run to go on with; None for a new one.

    Raises:
        ConfigError: see `raydist.health.finding.require_healthy`.
    """
    require_healthy(_findings(config, memory, resume))


def _findings(config: Config, memory: GroupMemory, resume: RunFolder | None) -> Iterator[Finding]:
    written = len(resume.checkpoints.epochs()) if resume else 0
    room = checkpoint_room(config, memory_mb=memory.memory_mb, written=written)
    yield check_disk(
        resume.path if resume else Path(config.run.dir),
        least=room.least,
        enough=room.most,
        purpose="the checkpoints of this run",
        fix="make room, or choose another folder with run.dir",
    )
    if cluster_address(config.ray.address) is None:  # the nodes of a cluster are other machines
        yield from local_findings(
            num_workers=config.ray.num_workers,
            num_shards=config.ray.num_shards,
            worker_mb=memory.memory_mb,
            shard_mb=memory.shard_mb,
        )
