"""MLflow's own pages over the store of a study and of a run, in a real browser."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import pytest
from mlflow import MlflowClient

from raydist.distributed.driver.training import train
from raydist.engine.schema import load_config
from tests.distributed.tune.small_study import experiment_of

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@pytest.fixture(scope="module")
def home(study):
    return study[0].path.parent.parent


@pytest.fixture(scope="module")
def client(home):
    return MlflowClient(f"sqlite:///{home}/mlflow.db")


@pytest.fixture(scope="module")
def run(cluster, home, client):
    """A run of one epoch in the same store, with a model."""
    words = [
        "method.name=dcl", "train.limit_epochs=1", "train.iterations=2", "evaluation.every=1",
        "ray.num_workers=1", "ray.num_shards=1", f"run.dir={home}/runs", "run.name=evening",
        f"tracking.mlflow_uri=sqlite:///{home}/mlflow.db",
    ]  # fmt: skip
    train(load_config("smoke", words))
    experiment = client.get_experiment_by_name("raydist/dcl-synthetic").experiment_id
    return client.search_runs([experiment])[0]


@pytest.fixture(scope="module")
def server(home, run):
    """The address of MLflow's pages."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [
        sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", f"sqlite:///{home}/mlflow.db",
        "--host", "127.0.0.1", "--port", port, "--workers", "1",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=home, env=os.environ | QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        process_group=0,
    )  # fmt: skip
    try:
        wait_for(address := f"http://127.0.0.1:{port}")
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=60)


def wait_for(address):
    for _ in range(600):
        with suppress(OSError):
            return urllib.request.urlopen(f"{address}/health", timeout=10).close()
        time.sleep(0.2)
    raise TimeoutError(f"{address} does not answer")


def test_the_experiments_are_listed(visit, server, run, study):
    page = visit(f"{server}/#/experiments")
    for name in ("raydist/dcl-synthetic", "raydist/dcl-synthetic+hitsz_vcm"):
        page.get_by_role("link", name=name, exact=True).first.wait_for()


def test_the_page_of_a_run_says_what_it_was(visit, server, run):
    page = visit(f"{server}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}")
    page.get_by_role("heading", name="evening").wait_for()
    for words in ("dcl on synthetic", "Tracklets: 24 visible, 24 infrared", "method.name", "raydist.method"):
        page.get_by_text(words).first.wait_for(state="attached")
    page.get_by_text("last/infrared_to_visible/map").first.wait_for(state="attached")
    page.get_by_text(re.compile(r"synthetic \(")).first.wait_for(state="attached")


def test_a_study_holds_its_trials_and_they_their_curves(visit, server, client, study):
    experiment = experiment_of(client, study[2])
    page = visit(f"{server}/#/experiments/{experiment}/runs")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="s", exact=True))
    row.get_by_role("button").first.click()
    for trial in study[0].trials():
        page.get_by_role("link", name=f"trial-{trial.number:04d}").first.wait_for()
    (child,) = client.search_runs([experiment], "attributes.run_name = 'trial-0000'")
    page = visit(f"{server}/#/experiments/{experiment}/runs/{child.info.run_id}/model-metrics")
    page.get_by_role("heading", name="trial-0000").wait_for()
    curve = page.locator(".js-plotly-plot .scatterlayer .js-line").first
    curve.wait_for(state="attached")
    assert len(curve.get_attribute("d").split("L")) == 4
