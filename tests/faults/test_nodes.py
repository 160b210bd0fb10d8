"""A node of a cluster is lost in the middle of an epoch: the run goes on with the others."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from raydist.engine.run_folder import RunFolder
from tests.ray_nodes import add_node, kill_the_node_of

pytestmark = pytest.mark.ray

WORDS = [
    "smoke", "method.name=dcl", "train.epochs=3", "train.iterations=10", "train.batch_identities=3",
    "ray.num_workers=1", "ray.num_shards=2", "ray.max_failures=8", "tracking.mlflow_uri=null",
]  # fmt: skip


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


@pytest.mark.parametrize(
    "changes",
    [[], ["method.name=hitpro", "ray.num_workers=2", "memory.replicate_mb=0"]],
    ids=["all memories on the one worker", "slots in parts on two workers"],
)
def test_a_run_that_loses_a_node_ends_with_the_same_bytes(three_nodes, run_env, tmp_path, outcome, changes):
    if changes:
        add_node(three_nodes)  # so that both workers find a place when one is lost
    words = [*WORDS, *changes, f"ray.address={three_nodes.address}"]
    quiet = train(words, run_env, tmp_path / "quiet")
    disturbed = train(words, run_env, tmp_path / "disturbed", lose_a_node=True)
    assert "going on after epoch" in (disturbed.path / "log.txt").read_text()
    assert outcome(disturbed) == outcome(quiet)
