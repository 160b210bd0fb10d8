import json
import sqlite3
import time

import pytest
from mlflow import MlflowClient

from raydist.tracking.backlog import FILE
from raydist.tracking.mlflow import MlflowTracker, NewRun, open_run

NEW = NewRun("e", "n", {"train": {"lr": 0.1}}, {"supervised": "false"})


@pytest.fixture
def uri(database):
    return f"sqlite:///{database}"


def epochs(uri, run_id):
    return [metric.step for metric in MlflowClient(uri).get_metric_history(run_id, "epoch")]


def write_rows(folder, *steps):
    (folder / "metrics.jsonl").write_text("".join(json.dumps({"epoch": step}) + "\n" for step in steps))


def test_an_epoch_is_logged_once_even_by_a_worker_that_starts_again(uri, tmp_path):
    run_id = open_run(uri, None, NEW)
    first = MlflowTracker(uri, run_id)
    first.epoch({"epoch": 0, "loss": {"visible": 1.0}, "stage": "warm-up"})
    first.epoch({"epoch": 1, "loss": {"visible": float("nan")}})
    MlflowTracker(uri, run_id).epoch({"epoch": 1, "loss": {"visible": 0.5}})
    (tmp_path / "config.yaml").write_text("x")
    first.artifacts(tmp_path, ["config.yaml", "absent"])
    first.finish("FINISHED")
    client = MlflowClient(uri)
    assert epochs(uri, run_id) == [0, 1]
    assert [m.value for m in client.get_metric_history(run_id, "loss/visible")] == [1.0]
    assert client.get_run(run_id).data.params == {"train.lr": "0.1"}
    assert [a.path for a in client.list_artifacts(run_id)] == ["config.yaml"]
    assert client.get_run(run_id).info.status == "FINISHED"


def test_no_parameter_holds_a_password(uri):
    config = {"tracking": {"mlflow_uri": "postgresql://ann:sesame-73@h/db?token=sesame-73"}, "lr": 0.1}
    params = MlflowClient(uri).get_run(open_run(uri, None, NewRun("e", "n", config, {}))).data.params
    assert params == {"tracking.mlflow_uri": "postgresql://***@h/db?token=***", "lr": "0.1"}


def test_a_run_that_was_deleted_is_made_again(uri):
    run_id = open_run(uri, None, NEW)
    assert open_run(uri, run_id, NEW) == run_id
    MlflowClient(uri).delete_run(run_id)
    again = open_run(uri, run_id, NEW)
    assert again not in (run_id, open_run(uri, "0" * 32, NEW))


def test_epochs_that_a_locked_database_missed_are_sent_when_it_is_free(uri, tmp_path, caplog):
    run_id = open_run(uri, None, NEW)
    holder = sqlite3.connect(uri.removeprefix("sqlite:///"), isolation_level=None)
    tracker = MlflowTracker(uri, run_id, folder=tmp_path)
    tracker.epoch({"epoch": 0})
    holder.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    for step in range(1, 6):
        tracker.epoch({"epoch": step})
    assert time.monotonic() - start < 10, "five calls to a locked database"
    assert len(caplog.records) == 1
    assert json.loads((tmp_path / FILE).read_text())["epochs"] == [1, 2, 3, 4, 5]
    holder.execute("ROLLBACK")
    tracker.finish("FINISHED")
    assert epochs(uri, run_id) == [0, 1, 2, 3, 4, 5]
    assert not (tmp_path / FILE).exists()


def test_a_worker_that_starts_again_sends_what_the_one_before_missed(uri, tmp_path):
    run_id = open_run(uri, None, NEW)
    MlflowTracker(uri, run_id, folder=tmp_path).epoch({"epoch": 1})
    write_rows(tmp_path, 0, 1, 2, 3)
    MlflowTracker(uri, run_id, folder=tmp_path).epoch({"epoch": 3})
    assert sorted(epochs(uri, run_id)) == [0, 1, 2, 3]


def test_the_end_says_how_much_is_missing_and_how_to_send_it(tmp_path, caplog):
    tracker = MlflowTracker("http://ann:sesame-73@127.0.0.1:9", "0" * 32, folder=tmp_path)
    tracker.epoch({"epoch": 0})
    tracker.epoch({"epoch": 1})
    (tmp_path / "config.yaml").write_text("x")
    tracker.artifacts(tmp_path, ["config.yaml"])
    tracker.finish("FAILED")
    assert sum(record.name.startswith("raydist") for record in caplog.records) == 2
    assert (
        f"missed 2 epochs and the end of the run; send it with: raydist tracking sync {tmp_path}"
        in caplog.text
    )
    assert "sesame" not in caplog.text
    assert json.loads((tmp_path / FILE).read_text()) == {"epochs": [0, 1], "status": "FAILED"}
