"""A node of a cluster is lost in the middle of an epoch: the run goes on with the others."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from raydist.engine.run_folder import RunFolder
from raydist.health.local_cluster import OBJECT_STORE_BYTES

pytestmark = pytest.mark.ray

WORDS = [
    "smoke", "method.name=dcl", "train.epochs=3", "train.iterations=10", "train.batch_identities=3",
    "ray.num_workers=1", "ray.num_shards=2", "ray.max_failures=8", "tracking.mlflow_uri=null",
]  # fmt: skip


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a cluster of three nodes: one for the driver, and two with a CPU each for what it starts."""
    from ray.cluster_utils import Cluster

    memory = {"object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **memory})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1, **memory)
        yield cluster.address
    finally:
        cluster.shutdown()


def kill_the_node_of(worker: int) -> None:
    """End the raylet of a process, as when its machine is switched off."""
    raylet = next(one for one in psutil.Process(worker).parents() if one.name() == "raylet")
    processes = raylet.children(recursive=True)
    os.kill(raylet.pid, signal.SIGKILL)
    for process in processes:
        if process.is_running():
            process.kill()


def train(words: list[str], env: dict[str, str], folder: Path, *, lose_a_node: bool = False) -> RunFolder:
    """The folder of a run; the node of its worker is lost after the first epoch."""
    command = [sys.executable, "-m", "raydist.train", *words, f"run.dir={folder}"]
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    lines = []
    for line in process.stderr:
        lines.append(line)
        if lose_a_node and line.startswith("epoch 1/3"):
            log = next(folder.glob("*/log.txt")).read_text()
            kill_the_node_of(int(re.findall(r"worker 0 \(pid (\d+)\)", log)[-1]))
    assert process.wait(60) == 0, "".join(lines)
    (run,) = folder.iterdir()
    return RunFolder.open(run)


def test_a_run_that_loses_a_node_of_three_ends_with_the_same_bytes(address, run_env, tmp_path, outcome):
    words = [*WORDS, f"ray.address={address}"]
    quiet = train(words, run_env, tmp_path / "quiet")
    disturbed = train(words, run_env, tmp_path / "disturbed", lose_a_node=True)
    assert "going on after epoch" in (disturbed.path / "log.txt").read_text()
    assert outcome(disturbed) == outcome(quiet)
