"""A training as a Ray job, on a cluster started from the shell with a token; what it leaves once that cluster
is gone."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import end, listening_sockets
from tests.ray_head import RAY

ROOT = Path(__file__).parent.parent.parent


def test_a_submitted_training_succeeds_and_outlives_its_cluster(head, tmp_path):
    words = ["smoke", "method.name=dcl", "train.epochs=3", "train.iterations=2"]
    command = [
        RAY,
        "job",
        "submit",
        "--working-dir",
        ".",
        "--",
        sys.executable,
        "-m",
        "raydist.train",
        *words,
    ]
    job = submitted(command, head.env)
    assert job.returncode == 0, job.stdout + job.stderr
    assert "succeeded" in job.stdout
    assert {address for address, _ in listening_sockets(head.process.pid)} == {"127.0.0.1"}
    end(head.process)

    from mlflow import MlflowClient

    (folder,) = (tmp_path / "raydist" / "runs").glob("dcl-synthetic-*")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["epochs"] == 3
    client = MlflowClient(f"sqlite:///{tmp_path}/raydist/runs/mlflow.db")
    run_id = json.loads((folder / "environment.json").read_text())["mlflow_run_id"]
    assert client.get_run(run_id).info.status == "FINISHED"


@pytest.mark.timeout(1500)
def test_a_job_that_is_stopped_and_submitted_again_goes_on(head, tmp_path):
    words = [
        "smoke", "method.name=dcl", "train.epochs=6", "train.iterations=20", "run.name=a",
        "run.on_exists=resume", "ray.num_workers=2", "ray.num_shards=1",
        "tracking.mlflow_uri=null",
    ]  # fmt: skip
    train = ["--working-dir", ".", "--", sys.executable, "-m", "raydist.train", *words]
    begun = submitted([RAY, "job", "submit", "--no-wait", "--submission-id", "first", *train], head.env)
    assert begun.returncode == 0, begun.stderr
    folder = tmp_path / "raydist" / "runs" / "a"
    wait_for(folder / "checkpoints" / "epoch_0001" / "manifest.json")
    subprocess.run([RAY, "job", "stop", "first"], env=head.env, check=True, timeout=200)
    assert not (folder / "summary.json").exists()

    again = submitted([RAY, "job", "submit", *train], head.env)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "epoch 6/6" in again.stdout  # what the driver says is in the log of the job
    assert json.loads((folder / "summary.json").read_text())["epochs"] == 6
    assert "going on after epoch" in (folder / "log.txt").read_text()


def wait_for(file: Path) -> None:
    """Until a file is there."""
    give_up = time.monotonic() + 600
    while not file.exists():
        assert time.monotonic() < give_up, file
        time.sleep(0.05)


def submitted(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess:
    """The outcome of a job; a cluster that has just started answers at first that it is not ready."""
    for _ in range(30):
        job = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=400, check=False
        )
        if "No available agent" not in job.stderr:
            break
        time.sleep(2)
    return job
