"""A Ray cluster of several nodes, all of them on this machine."""

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil
import pytest

from raydist.health.local_cluster import OBJECT_STORE_BYTES

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster


@pytest.fixture
def one_node() -> Iterator["Cluster"]:
    """A cluster with a head that has no CPUs."""
    from ray.cluster_utils import Cluster

    arguments = {"object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False, "num_cpus": 0}
    cluster = Cluster(initialize_head=True, head_node_args=arguments)
    try:
        yield cluster
    finally:
        cluster.shutdown()


def add_node(cluster: "Cluster") -> None:
    """One more node, with one CPU."""
    cluster.add_node(num_cpus=1, object_store_memory=OBJECT_STORE_BYTES)


@pytest.fixture
def three_nodes(one_node: "Cluster") -> "Cluster":
    """A cluster of three nodes: one for the driver, and two with a CPU each for what it starts."""
    for _ in range(2):
        add_node(one_node)
    return one_node


def kill_the_node_of(worker: int) -> None:
    """End the raylet of a process, as when its machine is switched off."""
    raylet = next(one for one in psutil.Process(worker).parents() if one.name() == "raylet")
    processes = raylet.children(recursive=True)
    os.kill(raylet.pid, signal.SIGKILL)
    for process in processes:
        if process.is_running():
            process.kill()
