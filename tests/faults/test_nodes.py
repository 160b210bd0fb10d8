"""A node of a cluster is lost in the middle of a refresh and of an epoch: the run goes on with the others, or
with fewer workers where it may."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from raydist.engine.run_folder import RunFolder
from tests.processes import actors
from tests.ray_nodes import add_node, kill_the_node_of

pytestmark = pytest.mark.ray

WORDS = [
    "smoke", "method.name=dcl", "train.epochs=3", "train.iterations=100", "train.batch_identities=3",
    "ray.num_workers=1", "ray.num_shards=2", "ray.max_failures=8", "ray.hang_timeout=60",
    "tracking.mlflow_uri=null",
]  # fmt: skip

TELLING = """
import sys
from functools import partial
from raydist.distributed.driver.training import train
from raydist.engine.schema import load_config

train(load_config(sys.argv[1], sys.argv[2:]), on_event=partial(print, flush=True))
"""
"""A training that prints its events, a line each."""

GROWN = "2 workers in the place of 1: all start again from the last checkpoint"
SHRUNK = "a worker was lost, 1 of 2 are left, all start again from the last checkpoint"

LoseANode = Callable[[str, Path], bool]
"""Called with an event and the folder of all runs; whether a node was lost."""


def trained(words: list[str], env: dict[str, str], folder: Path, lose_a_node: LoseANode | None) -> RunFolder:
    """The folder of a run, in which a node is lost once."""
    command = [sys.executable, "-c", TELLING, *words, f"run.dir={folder}"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if lose_a_node and lose_a_node(line, folder):
            lose_a_node = None
    assert process.wait(60) == 0, "".join(lines)
    assert lose_a_node is None
    (run,) = folder.iterdir()
    return RunFolder.open(run)


def in_a_refresh(line: str, folder: Path) -> bool:
    """The node of a shard is lost while the second refresh waits for the shards, which are stopped for it."""
    begun = re.match(r"PhaseAdvanced\(epoch=2, phase='(extraction|refresh)', done=0, total=None", line)
    if not begun:
        return False
    shards = actors("FeatureShard")
    if begun[1] == "extraction":
        for shard in shards:
            shard.suspend()
        return False
    time.sleep(1)
    for shard in shards:
        shard.resume()
    kill_the_node_of(shards[0].pid)
    return True


def in_an_epoch(line: str, folder: Path) -> bool:
    """The node of a worker is lost among the steps of the second epoch."""
    if not line.startswith("PhaseAdvanced(epoch=2, phase='refresh', done=0"):
        return False
    time.sleep(4)
    log = next(folder.glob("*/log.txt")).read_text()
    kill_the_node_of(int(re.findall(r"worker 0 \(pid (\d+)\)", log)[-1]))
    return True


@pytest.mark.parametrize(
    "changes",
    [[], ["method.name=hitpro", "ray.num_workers=2", "memory.replicate_mb=0"]],
    ids=["all memories on the one worker", "slots in parts on two workers"],
)
def test_a_run_that_loses_nodes_ends_with_the_same_bytes(three_nodes, run_env, tmp_path, outcome, changes):
    if changes:
        add_node(three_nodes)  # so that both workers find a place when one is lost
    words = [*WORDS, *changes, f"ray.address={three_nodes.address}"]
    quiet = trained(words, run_env, tmp_path / "quiet", None)
    for lose_a_node in (in_a_refresh, in_an_epoch):
        disturbed = trained(words, run_env, tmp_path / lose_a_node.__name__, lose_a_node)
        log = (disturbed.path / "log.txt").read_text()
        assert re.search(r"a (feature shard|worker) (was lost|does not)", log)
        assert outcome(disturbed) == outcome(quiet)
        add_node(three_nodes)


def test_a_run_takes_a_worker_more_where_a_node_joins_and_goes_on_with_fewer_when_it_is_lost(
    one_node, run_env, tmp_path
):
    add_node(one_node)
    words = [
        "smoke", "method.name=dcl", "train.epochs=100", "train.iterations=100", "train.batch_identities=3",
        "ray.num_workers=[1, 2]", "ray.resize_seconds=5", "ray.num_shards=1", "tracking.mlflow_uri=null",
        f"ray.address={one_node.address}", f"run.dir={tmp_path}",
    ]  # fmt: skip
    env = run_env | {"RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "20"}
    command = [sys.executable, "-c", TELLING, *words]
    said, steps = "", iter(["an epoch is done", "a worker more", "a worker fewer"])
    waits_for = next(steps)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            said += line
            if waits_for == "an epoch is done" and line.startswith("EpochDone"):
                add_node(one_node)
                waits_for = next(steps)
            elif waits_for == "a worker more" and line.startswith("StepDone") and GROWN in said:
                log = next(tmp_path.glob("*/log.txt")).read_text()
                kill_the_node_of(int(re.findall(r"worker 1 \(pid (\d+)\)", log)[-1]))
                waits_for = next(steps)
            elif waits_for == "a worker fewer" and line.startswith("EpochDone") and SHRUNK in said:
                run.terminate()
                waits_for = ""
    assert run.returncode != 1, said
    assert not waits_for, said
    (folder,) = tmp_path.glob("dcl-*")
    assert len(RunFolder.open(folder).checkpoints.epochs()) > 0
