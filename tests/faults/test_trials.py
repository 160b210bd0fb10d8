"""A node of a cluster is lost while trials run on it: all end as they would, each recorded once."""

import subprocess
import sys
import time

import pytest

from raydist.tuning.study_folder import StudyFolder
from tests.distributed.tune.small_study import wait_for_an_epoch
from tests.processes import actors
from tests.ray_nodes import add_node, kill_the_node_of

LIMIT = 800
"""Seconds that a search may take on a machine that is busy with other tests."""

pytestmark = [pytest.mark.ray, pytest.mark.timeout(LIMIT + 300)]

SPACE = """
recipes: {synthetic: smoke method.name=dcl}
train.lr: {choice: [1e-3, 1e-9]}
"""
DRIVER = "ResourceTrainable"
"""What the process of a trial's driver is called: Ray Tune's own name."""

WORDS = [
    "train.epochs=2", "train.iterations=30", "train.batch_identities=3", "train.batch_instances=2",
    "ray.num_workers=1", "ray.num_shards=1", "ray.max_failures=8", "ray.hang_timeout=60",
    "tune.num_samples=4", "tune.seed=14", "tune.max_concurrent=2", "tune.scheduler=none",
    "tracking.mlflow_uri=sqlite:///mlflow.db", "run.name=s",
]  # fmt: skip


def first_epoch(folder):
    wait_for_an_epoch(folder, 0)


def groups_without_workers(folder):
    """Both trials have asked for CPUs, and no worker runs yet."""
    while len(actors("TrainController")) < 2:
        time.sleep(0.02)


# a head without memory has no driver of a trial
@pytest.mark.parametrize("one_node", [{"memory": 1}], indirect=True)
@pytest.mark.parametrize("wait", [first_epoch, groups_without_workers])
def test_a_search_that_loses_a_node_counts_every_trial_once(wait, three_nodes, run_env, tmp_path):
    (tmp_path / "space.yaml").write_text(SPACE)
    words = ["space.yaml", *WORDS, f"ray.address={three_nodes.address}"]
    command = [sys.executable, "-m", "raydist.tune", *words]
    log = tmp_path / "said.txt"
    with log.open("w") as said:
        process = subprocess.Popen(command, cwd=tmp_path, env=run_env, stdout=said, stderr=said)
        folder = tmp_path / "runs" / "s"
        add_node(three_nodes)
        wait(folder)
        kill_the_node_of(actors(DRIVER)[0].pid)
        try:
            assert process.wait(LIMIT) == 0, log.read_text()
        except subprocess.TimeoutExpired:
            pytest.fail(log.read_text())
    if wait is first_epoch:
        assert "goes on after epoch" in log.read_text()
    trials = StudyFolder.open(folder).trials()
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert [(trial.state, trial.reason) for trial in trials] == [("finished", "")] * 4
    assert [[epoch.epoch for epoch in trial.epochs] for trial in trials] == [[1, 2]] * 4
