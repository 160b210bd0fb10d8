"""Numbers of the machine in a real MLflow run."""

import time

from mlflow import MlflowClient

from raydist.tracking.mlflow import NewRun, open_run
from raydist.tracking.system_metrics import system_metrics


def test_they_are_logged_while_the_block_runs(database, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    uri = f"sqlite:///{database}"
    run_id = open_run(uri, None, NewRun("e", "n", {}, {}))
    client, end = MlflowClient(uri), time.monotonic() + 60
    with system_metrics(uri, run_id):
        while "system/cpu_utilization_percentage" not in client.get_run(run_id).data.metrics:
            assert time.monotonic() < end
            time.sleep(0.2)


def test_a_server_that_does_not_answer_holds_nothing_up(caplog):
    start = time.monotonic()
    with system_metrics("http://127.0.0.1:9", "0" * 32):
        pass
    assert time.monotonic() - start < 60
    assert caplog.text == ""
