"""A run and a search on an MLflow server with logins and PostgreSQL, as `deploy/mlflow` has them."""

import json
import os
import subprocess
import sys

import psycopg
import pytest
from mlflow import MlflowClient
from mlflow.server.auth.client import AuthServiceClient

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1500)]

SMALL = [
    "method.name=dcl", "train.epochs=2", "train.iterations=2", "ray.num_workers=1", "ray.num_shards=1",
]  # fmt: skip
SPACE = "recipes: {synthetic: smoke}\ntrain.lr: {choice: [1e-3, 1e-4]}\n"


@pytest.fixture
def researcher(mlflow_server, monkeypatch):
    """The login of one who is no administrator."""
    for name, value in mlflow_server.admin.items():
        monkeypatch.setenv(name, value)
    AuthServiceClient(mlflow_server.uri).create_user("researcher", "a long password")
    login = {"MLFLOW_TRACKING_USERNAME": "researcher", "MLFLOW_TRACKING_PASSWORD": "a long password"}
    for name, value in login.items():
        monkeypatch.setenv(name, value)
    return login


def outcome(words, folder, login):
    """Run a command to its end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_TRACKING")}
    return subprocess.run(
        [sys.executable, "-m", *words, "--json"],
        cwd=folder, env=env | login, capture_output=True, text=True, timeout=700, check=False,
    )  # fmt: skip


def test_a_run_and_a_search_are_logged_by_one_who_may(mlflow_server, researcher, tmp_path):
    tracking = f"tracking.mlflow_uri={mlflow_server.uri}"
    refused = outcome(["raydist.train", "smoke", *SMALL, tracking], tmp_path, {})
    assert refused.returncode == 2
    assert "401" in json.loads(refused.stdout)["error"]["message"]

    done = outcome(["raydist.train", "smoke", *SMALL, tracking], tmp_path, researcher)
    assert done.returncode == 0, done.stderr
    (tmp_path / "space.yaml").write_text(SPACE)
    words = ["raydist.tune", "space.yaml", *SMALL, tracking, "tune.num_samples=2", "tune.max_concurrent=1"]
    searched = outcome(words, tmp_path, researcher)
    assert searched.returncode == 0, searched.stderr

    client = MlflowClient(mlflow_server.uri)
    experiments = client.search_experiments()
    runs = client.search_runs([experiment.experiment_id for experiment in experiments])
    assert len(runs) == 1 + 1 + 2  # the run; the search, and its trials
    assert {run.info.status for run in runs} == {"FINISHED"}
    last = {run.info.run_name: run.data.metrics for run in runs}
    assert last["dcl-synthetic-001"]["epoch"] == last["trial-0001"]["epoch"] == 2
    assert last["tune-dcl-synthetic-001"]["trials/finished"] == 2
    with psycopg.connect(mlflow_server.database.replace("+psycopg", "")) as database:
        (count,) = database.execute("select count(*) from runs").fetchone()
    assert count == len(runs)
