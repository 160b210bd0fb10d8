"""Whether this machine can run a local Ray cluster and the processes of a training."""

from __future__ import annotations

from raydist.health.finding import Finding
from raydist.health.machine import (
    check_memory_of_machine,
    check_open_files,
    check_ports,
    check_shared_memory,
)

OBJECT_STORE_BYTES = 1_000_000_000
"""What Ray keeps in shared memory, at most."""

MEGABYTE = 1_000_000
BOARD = 140 * MEGABYTE
"""The actor through which workers share references, about: it has imported neither torch nor a method."""

SERVICES = 600 * MEGABYTE
"""What the services of a local Ray take, about."""

PROCESS = 500 * MEGABYTE
"""A process that has imported torch and Ray, about, without its data."""


def local_findings(
    *, num_workers: int, num_shards: int, worker_mb: float = 0, shard_mb: float = 0, at_once: int = 1
) -> list[Finding]:
    """Whether this machine can run a local Ray with so many processes.

    Args:
        num_workers: W.
        num_shards: S.
        worker_mb: what a worker takes beside its code.
        shard_mb: the same of a feature shard.
        at_once: how many such trainings may run beside each other; one is what must be possible.
    """
    least = SERVICES + num_workers * PROCESS
    shards = num_shards * (PROCESS + shard_mb * MEGABYTE)
    workers = num_workers * (PROCESS + worker_mb * MEGABYTE)
    enough = SERVICES + OBJECT_STORE_BYTES + at_once * (workers + shards)
    return [
        check_memory_of_machine(least=least, enough=enough),
        check_shared_memory(OBJECT_STORE_BYTES),
        check_open_files(),
        check_ports(),
    ]
