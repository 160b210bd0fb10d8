import getpass
import json
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict

import pytest

pytest.importorskip("mlflow")
from mlflow import MlflowClient

from raydist.engine.run_folder import RunFolder
from raydist.engine.run_tags import data_facts
from raydist.engine.schema import load_config
from raydist.engine.tracked import check_tracking, sync, track
from raydist.engine.tracking_section import TrackingSection
from raydist.errors import ConfigError, TrackingError
from raydist.redaction import _whole

SECRET = "sesame-73"


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    MlflowClient(uri).search_experiments()
    return uri


def run_of(tmp_path, uri, *words):
    """A run that has trained two epochs, with its configuration."""
    config = load_config("smoke", [f"tracking.mlflow_uri={uri}", *words])
    folder = RunFolder.create(tmp_path / "runs", "r", "r")
    folder.write("config.yaml", config.dump())
    folder.write("environment.json", {})
    (folder.path / "metrics.jsonl").write_text('{"epoch": 0}\n{"epoch": 1}\n')
    return config, folder


def in_mlflow(uri, folder):
    client, run_id = MlflowClient(uri), folder.read_json("environment.json")["mlflow_run_id"]
    steps = [metric.step for metric in client.get_metric_history(run_id, "epoch")]
    return steps, {one.path for one in client.list_artifacts(run_id)}, client.get_run(run_id).info.status


def test_a_lasting_refusal_stops_the_start_unless_tracking_is_optional(tmp_path, caplog):
    (tmp_path / "m.db").write_text("no database at all " * 99)
    section = TrackingSection(mlflow_uri=f"sqlite:///{tmp_path}/m.db")
    with pytest.raises(ConfigError, match=r"(?s)damaged.*tracking.optional=true"):
        check_tracking(section, "e")
    check_tracking(section.model_copy(update={"optional": True}), "e")
    assert not caplog.text  # the tracker warns of it, once
    check_tracking(section.model_copy(update={"mlflow_uri": None}), "e")


def test_a_server_that_is_down_stops_nothing():
    check_tracking(TrackingSection(mlflow_uri="http://127.0.0.1:9"), "e")


def test_what_was_missed_is_sent_once(tmp_path, uri):
    config, folder = run_of(tmp_path, "http://127.0.0.1:9")
    tracker, run_id = track(config, folder)
    assert run_id is None
    tracker.finish("FAILED")
    with pytest.raises(TrackingError):
        sync(folder, config)
    config = load_config("smoke", [f"tracking.mlflow_uri={uri}"])
    sent = sync(folder, config)
    assert (sent.epochs, sent.status) == (2, "FAILED")
    files = {"config.yaml", "environment.json", "metrics.jsonl"}
    assert set(sent.files) == files
    assert in_mlflow(uri, folder) == ([0, 1], files, "FAILED")
    again = sync(folder, config)
    assert (again.epochs, again.files, again.status, again.run_id) == (0, [], None, sent.run_id)
    assert in_mlflow(uri, folder) == ([0, 1], files, "FAILED")


def test_a_run_that_has_not_ended_keeps_its_status(tmp_path, uri):
    config, folder = run_of(tmp_path, uri)
    track(config, folder)
    assert sync(folder, config).status is None
    assert in_mlflow(uri, folder)[2] == "RUNNING"
    folder.write("summary.json", "{}")
    assert sync(folder, config).status == "FINISHED"


def test_a_locked_database_at_the_start_is_made_up_for_at_the_end(tmp_path, uri, caplog):
    config, folder = run_of(tmp_path, uri)
    holder = sqlite3.connect(uri.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    check_tracking(config.tracking, "e")
    tracker, run_id = track(config, folder)
    assert time.monotonic() - start < 15
    assert run_id is None
    assert "locked" in caplog.text
    holder.execute("ROLLBACK")
    tracker.finish("FINISHED")
    assert in_mlflow(uri, folder)[0::2] == ([0, 1], "FINISHED")


def test_no_file_and_no_parameter_holds_the_password(tmp_path, monkeypatch, caplog):
    config, folder = run_of(tmp_path, f"http://ann:{SECRET}@127.0.0.1:9")
    tracker, _ = track(config, folder)
    tracker.finish("FINISHED")
    for path in folder.path.rglob("*"):
        assert SECRET not in path.read_text(), path
    assert SECRET not in caplog.text
    _whole.clear()  # another process goes on with it
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ConfigError, match="set MLFLOW_TRACKING_URI"):
        check_tracking(folder.config().tracking, "e")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ann:{SECRET}@127.0.0.1:9")
    check_tracking(folder.config().tracking, "e")


@pytest.mark.parametrize(("umask", "mode"), [(None, 0o700), ("027", 0o750)])
def test_other_users_cannot_enter_the_folder_of_a_run(tmp_path, monkeypatch, umask, mode):
    monkeypatch.delenv("RAYDIST_UMASK", raising=False)
    if umask:
        monkeypatch.setenv("RAYDIST_UMASK", umask)
    folder = RunFolder.create(tmp_path, None, "r")
    assert stat.S_IMODE(folder.path.stat().st_mode) == mode


@pytest.fixture
def server(tmp_path):
    """Starts and stops a real server on the same port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = "mlflow.server:app"
    store = {"_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{tmp_path}/server.db"}
    store |= {"_MLFLOW_SERVER_ARTIFACT_ROOT": str(tmp_path / "artifacts")}
    started = []

    def start():
        import os

        code = f"from werkzeug.serving import run_simple; from {app.split(':')[0]} import app; "
        code += f"run_simple('127.0.0.1', {port}, app)"
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=os.environ | store, stderr=(tmp_path / "err").open("ab")
        )
        started.append(process)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).read()
                return process
            except OSError:
                assert process.poll() is None, (tmp_path / "err").read_text()
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    yield f"http://127.0.0.1:{port}", start
    for process in started:
        process.kill()
        process.wait()


def test_a_server_that_is_stopped_and_started_has_every_epoch_in_the_end(tmp_path, server, caplog):
    from raydist.tracking.mlflow import MlflowTracker

    uri, start = server
    process = start()
    config, folder = run_of(tmp_path, uri)
    (folder.path / "metrics.jsonl").unlink()
    driver, run_id = track(config, folder)
    rank_0 = MlflowTracker(uri, run_id, folder=folder.path, pause=0.0)

    def epoch(number):
        with (folder.path / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"epoch": number}) + "\n")
        rank_0.epoch({"epoch": number})

    epoch(0)
    process.kill()
    process.wait()
    epoch(1)
    epoch(2)
    start()
    epoch(3)
    assert in_mlflow(uri, folder)[0] == [0, 1, 2, 3]
    assert sum(record.name.startswith("raydist") for record in caplog.records) == 1
    driver.artifacts(folder.path, ["config.yaml"])
    driver.finish("FINISHED")
    assert in_mlflow(uri, folder) == ([0, 1, 2, 3], {"config.yaml"}, "FINISHED")


def test_a_run_says_who_began_it_on_which_data(tmp_path, uri, smoke_inputs):
    config, folder = run_of(tmp_path, uri)
    command = ["raydist", "train", "smoke", "tracking.mlflow_uri=http://ann:sesame-73@h"]
    facts = {"commit": "1234abc", "command": command, "data": asdict(data_facts(config, smoke_inputs))}
    folder.write("environment.json", facts)
    sync(folder, config)
    client = MlflowClient(uri)
    run = client.get_run(folder.read_json("environment.json")["mlflow_run_id"])
    assert client.get_experiment(run.info.experiment_id).name == "raydist/cba-synthetic"
    tags = run.data.tags
    assert tags["mlflow.source.git.commit"] == "1234abc"
    assert tags["mlflow.user"] == getpass.getuser()
    assert tags["mlflow.source.name"].startswith("raydist train smoke")
    assert "24 visible, 24 infrared" in tags["mlflow.note.content"]
    assert "sesame" not in str(tags)
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, len(data.dataset.digest)) == ("synthetic", 32)
    assert json.loads(data.dataset.profile) == {"visible": 24, "infrared": 24, "ranked": 32}
