"""What has gone through the object stores: the most of a node, as the file says in which its store lies, and
all that was ever put into them, as the raylets count it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil
import ray

_BLOCK = 512
"""Bytes of a block of ``st_blocks``, whatever the file system."""


def store_peak() -> tuple[str, int]:
    """The node of this process, and bytes that its object store took at its peak; 0 where that is not known.

    It is the part of the store's file that was ever written to, by whomever: Ray takes freed places again,
    and returns none.
    """
    return ray.get_runtime_context().get_node_id(), _written()


def _written() -> int:
    """The blocks of the store's file, which the raylet has open: the process that started this one."""
    for parent in psutil.Process().parents():
        for handle in _handles(parent.pid):
            with suppress(OSError):
                if Path(handle.readlink()).name.startswith("plasma"):
                    return handle.stat().st_blocks * _BLOCK
    return 0


def _handles(pid: int) -> list[Path]:
    with suppress(OSError):  # a process of another user
        return list(Path(f"/proc/{pid}/fd").iterdir())
    return []


def bytes_put() -> int:
    """Bytes of all objects that were ever made in the stores of all nodes; a copy of another node's counts.

    Objects of less than 100 kB travel without a store.
    """
    from ray._private.internal_api import node_stats  # no public function tells

    alive = (node for node in ray.nodes() if node["Alive"])
    stats = (node_stats(node["NodeManagerAddress"], node["NodeManagerPort"], False) for node in alive)
    return sum(int(of_node.store_stats.cumulative_created_bytes) for of_node in stats)
