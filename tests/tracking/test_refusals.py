import http.server
import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from mlflow import MlflowClient

from raydist.tracking.mlflow import check_store
from raydist.tracking.refusals import LOCK_SECONDS, reason, remedy, require_free


def refusal(uri, experiment="raydist"):
    with pytest.raises(Exception) as caught:
        check_store(uri, experiment)
    return caught.value


def advice(error):
    """What the user is told to do; nothing where the error may pass."""
    return remedy(error) or "it may pass"


def test_a_deleted_experiment(database):
    uri = f"sqlite:///{database}"
    client = MlflowClient(uri)
    client.delete_experiment(client.create_experiment("gone"))
    assert "mlflow experiments restore" in advice(refusal(uri, "gone"))
    check_store(uri, "another")


def test_a_database_of_a_newer_version(database):
    with sqlite3.connect(database) as connection:
        connection.execute("update alembic_version set version_num = 'ffffffffffff'")
    assert "another version of MLflow made it" in advice(refusal(f"sqlite:///{database}"))


@pytest.mark.parametrize("damage", ["text", "hole"])
def test_a_damaged_database(database, damage):
    content = bytearray(database.read_bytes())
    content = b"no database at all " * 99 if damage == "text" else content[:100] + bytes(len(content) - 100)
    database.write_bytes(content)
    assert "damaged" in advice(refusal(f"sqlite:///{database}"))


def test_a_database_without_its_driver():
    assert remedy(refusal("postgresql+nosuchdriver://h/db")) is not None
    assert (
        remedy(refusal("mssql+pymssql://h/db")) == "install the driver of that database: pip install pymssql"
    )


@pytest.mark.parametrize(
    "uri", ["ftp://h/x", "file:///tmp/mlruns", "http://:::x", "http://no.host.invalid:1"]
)
def test_addresses_that_lead_nowhere(uri):
    assert remedy(refusal(uri)) is not None


def test_a_server_that_is_no_mlflow():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        error = refusal(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert "no MLflow server" in advice(error)


def test_a_server_that_is_down_may_come_back():
    error = refusal("http://ann:sesame-73@127.0.0.1:9")
    assert remedy(error) is None
    assert "sesame-73" not in reason(error)
    assert "\n" not in reason(error)


def test_a_locked_database_costs_seconds_and_may_come_back(database):
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    with pytest.raises(sqlite3.OperationalError, match="locked") as caught:
        require_free(f"sqlite:///{database}")
    assert time.monotonic() - start < LOCK_SECONDS + 3
    assert remedy(caught.value) is None
    holder.execute("ROLLBACK")
    require_free(f"sqlite:///{database}")


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    check_store(f"sqlite:///{tmp_path}/deeper/mlflow.db", "raydist")
    assert list(tmp_path.iterdir()) == []


def test_two_processes_make_one_database_at_the_same_moment(tmp_path):
    code = (
        "import sys, time; from raydist.tracking.mlflow import NewRun, open_run; "
        "print('ready', flush=True); sys.stdin.readline(); "
        "print(open_run(sys.argv[1], None, NewRun('e', 'n', {}, {})))"
    )
    uri = f"sqlite:///{tmp_path}/deeper/mlflow.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, uri],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    runs = MlflowClient(uri).search_runs([MlflowClient(uri).get_experiment_by_name("e").experiment_id])
    assert {run.info.run_id for run in runs} == {out.strip() for out, _ in answers}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("name", ["mlflow.db", ".mlflow.db.lock"])
def test_what_is_no_database_is_not_waited_for(tmp_path, make, name):
    if name != "mlflow.db":
        (tmp_path / "mlflow.db").touch()
    make(tmp_path / name)
    error = refusal(f"sqlite:///{tmp_path}/mlflow.db")
    assert advice(error).startswith("move it away" if name == "mlflow.db" else "remove it")
