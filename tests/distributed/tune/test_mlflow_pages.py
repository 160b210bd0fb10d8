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


@pytest.fixture
def allowed_errors():
    """Of MLflow itself: it asks who the user is also where no users are, and its panels move one another."""
    return (
        r"Failed to load resource: the server responded with a status of 404 .* http://[\d.:]+/ajax-api/2.0/mlflow/users/current",
        r"(null )?ResizeObserver loop completed with undelivered notifications\.( http://[\d.:]+/static-files/\S+)?",
    )


@pytest.fixture
def look(visit, server, tmp_path):
    """`look(path)` opens one of MLflow's pages without its side panels, which leave no room on a phone."""

    def look(path):
        page = visit(f"{server}/#/{path}")
        page.get_by_role("button", name="Close", exact=True).click()
        page.get_by_role("button", name="Toggle sidebar").click()
        return page

    return look


def sees(page, words):
    """Whether the words are on the page, where they are moved into sight if they can be."""
    place = page.get_by_text(words).first
    place.wait_for()
    place.scroll_into_view_if_needed()
    return place.is_visible()


def test_the_experiments_are_listed_by_method_and_data(look, run, study):
    page = look("experiments")
    for name in ("raydist/dcl-synthetic", "raydist/dcl-synthetic+hitsz_vcm"):
        page.get_by_role("link", name=name, exact=True).wait_for()


def test_a_run_says_what_it_is_and_has_its_data_its_model_and_its_numbers(look, run):
    page = look(f"experiments/{run.info.experiment_id}/runs/{run.info.run_id}")
    page.get_by_role("heading", name="evening").wait_for()
    assert sees(page, "dcl on synthetic, 3 epochs, encoder small, seed 0.")
    assert sees(page, "Tracklets: 24 visible, 24 infrared, 32 ranked.")
    assert sees(page, re.compile(r"^synthetic \(\w{32}\)"))  # name and digest of the data set
    assert sees(page, "raydist.method")
    assert sees(page, re.compile("^Finished"))
    assert page.get_by_role("link", name="encoder").count() > 0
    for search, key in (
        ("Search metrics", "retrieval/infrared_to_visible/map"),
        ("Search parameters", "train.lr"),
    ):
        page.get_by_placeholder(search).fill(key)
        assert sees(page, key)


def test_the_files_of_a_run_are_read_in_place(look, run):
    page = look(f"experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts")
    for name in ("config.yaml", "summary.json", "metrics.jsonl", "report", "labels"):
        assert sees(page, name)
    page.get_by_text("config.yaml").first.click()
    page.get_by_text("limit_epochs").first.wait_for(state="attached")


def test_a_study_holds_its_trials(look, client, study):
    experiment = experiment_of(client, study[2])
    (parent,) = client.search_runs([experiment], "attributes.run_name = 's'")
    page = look(f"experiments/{experiment}/runs/{parent.info.run_id}")
    assert sees(page, "Search of 4 trials by consistency")
    for words in ("best/consistency", "trials/failed", "space.train.lr", "raydist.winner"):
        assert sees(page, words)
    for trial in study[0].trials():
        assert sees(page, f"trial-{trial.number:04d}")


def test_the_runs_of_a_study_are_nested_and_have_their_curves(look, client, study, tmp_path):
    experiment = experiment_of(client, study[2])
    page = look(f"experiments/{experiment}/runs")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="s", exact=True))
    row.get_by_role("button").first.click()
    for trial in study[0].trials():
        page.get_by_role("link", name=f"trial-{trial.number:04d}").first.wait_for()
    (child,) = client.search_runs([experiment], "attributes.run_name = 'trial-0000'")
    page.goto(f"{page.url.split('#')[0]}#/experiments/{experiment}/runs/{child.info.run_id}/model-metrics")
    page.get_by_role("heading", name="trial-0000").wait_for()
    curve = page.locator(".js-plotly-plot .scatterlayer .js-line").first
    curve.wait_for(state="attached")
    assert len(curve.get_attribute("d").split("L")) == 4
