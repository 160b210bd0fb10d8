"""A Ray cluster of several nodes, all of them on this machine."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from raydist.health.local_cluster import OBJECT_STORE_BYTES
from tests.ray_head import Head, free_port, running_head

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster


@pytest.fixture(params=[{}])
def one_node(request: pytest.FixtureRequest) -> Iterator["Cluster"]:
    """A cluster with a head that has no CPUs; its other resources can be given."""
    from ray.cluster_utils import Cluster

    arguments = {"object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False, "num_cpus": 0}
    arguments |= request.param
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


@pytest.fixture
def autoscaled(tmp_path: Path) -> Iterator[Head]:
    """A head without CPUs, and Ray's autoscaler, which starts up to four nodes of one CPU on this machine."""
    port = free_port()
    resources = {"CPU": 1, "object_store_memory": OBJECT_STORE_BYTES}
    config = {
        "cluster_name": "loopback", "max_workers": 4, "upscaling_speed": 1, "idle_timeout_minutes": 5,
        "provider": {
            "type": "fake_multinode", "gcs_address": f"127.0.0.1:{port}", "launch_multiple": True,
        },
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {"resources": resources, "node_config": {}, "min_workers": 0, "max_workers": 4},
        },
        "auth": {}, "file_mounts": {}, "file_mounts_sync_continuously": False, "cluster_synced_files": [],
        "initialization_commands": [], "setup_commands": [], "head_setup_commands": [],
        "worker_setup_commands": [], "head_start_ray_commands": [], "worker_start_ray_commands": [],
    }  # fmt: skip
    path = tmp_path / "autoscaling.json"
    path.write_text(json.dumps(config))
    words = ("--num-cpus=0", f"--autoscaling-config={path}")
    switches = {"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
    with running_head(tmp_path, port, *words, **switches) as head:
        yield head


def kill_the_node_of(worker: int) -> None:
    """End the raylet of a process, as when its machine is switched off."""
    raylet = next(one for one in psutil.Process(worker).parents() if one.name() == "raylet")
    processes = raylet.children(recursive=True)
    os.kill(raylet.pid, signal.SIGKILL)
    for process in processes:
        if process.is_running():
            process.kill()
