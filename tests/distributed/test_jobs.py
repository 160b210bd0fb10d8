"""A training as a Ray job, on a cluster started from the shell with a token; what it leaves once that cluster
is gone."""

import json
import subprocess
import sys
import time
from pathlib import Path

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
