"""A training as a Ray job, on a cluster started from the shell with a token; what it leaves once that cluster
is gone."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.processes import end, listening_sockets

ROOT = Path(__file__).parent.parent.parent
RAY = str(Path(sys.executable).parent / "ray")


def free_port() -> int:
    """A port below 10000, where Ray's workers do not listen."""
    for port in range(7000, 9999):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no free port")


@pytest.fixture
def head(tmp_path):
    """A head on the loopback: the environment of its clients, and its process."""
    port, dashboard, agent = (free_port() + offset for offset in range(3))
    session = tempfile.mkdtemp(prefix="rj-", dir="/tmp")  # a short path: it holds sockets
    env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}",
        "RAY_TMPDIR": session,
        "RAYDIST_HOME": str(tmp_path / "home"),
    }
    command = [
        RAY, "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={port}",
        "--dashboard-host=127.0.0.1",
        f"--dashboard-port={dashboard}", "--num-cpus=2", "--object-store-memory=500000000",
        "--disable-usage-stats",
        f"--dashboard-agent-listen-port={agent}",  # its default is taken where another cluster runs
    ]  # fmt: skip
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        wait_for(dashboard)
        yield env, process
    finally:
        end(process)
        shutil.rmtree(session, ignore_errors=True)


def wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")


def test_a_submitted_training_succeeds_and_outlives_its_cluster(head, tmp_path):
    env, process = head
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
    job = submitted(command, env)
    assert job.returncode == 0, job.stdout + job.stderr
    assert "succeeded" in job.stdout
    assert {address for address, _ in listening_sockets(process.pid)} == {"127.0.0.1"}
    end(process)

    from mlflow import MlflowClient

    (folder,) = (tmp_path / "home" / "runs").glob("dcl-synthetic-*")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["epochs"] == 3
    client = MlflowClient(f"sqlite:///{tmp_path}/home/runs/mlflow.db")
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
