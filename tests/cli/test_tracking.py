import json

import pytest
from typer.testing import CliRunner

from raydist.cli.app import app
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import load_config


@pytest.fixture
def folder(tmp_path):
    """A run that was not tracked, with one epoch."""
    folder = RunFolder.create(tmp_path, "r", "r")
    folder.write("config.yaml", load_config("smoke", ["tracking.mlflow_uri=null"]).dump())
    (folder.path / "metrics.jsonl").write_text('{"epoch": 0}\n')
    return folder


def sync(folder, *words):
    return CliRunner().invoke(app, ["tracking", "sync", str(folder.path), *words])


def test_a_run_is_sent_afterwards_once(folder, tmp_path):
    words = (f"tracking.mlflow_uri=sqlite:///{tmp_path}/m.db", "--json")
    first, second = sync(folder, *words), sync(folder, *words)
    assert first.exit_code == second.exit_code == 0, first.output
    (sent,) = json.loads(first.stdout.splitlines()[-1])["runs"]
    (again,) = json.loads(second.stdout.splitlines()[-1])["runs"]
    assert sent["epochs"] == 1
    assert again == sent | {"epochs": 0, "files": []}
    assert "nothing was missing" in second.stderr


def test_what_is_no_address_is_refused(folder, tmp_path):
    assert sync(folder).exit_code == 2
    assert sync(folder, "train.lr=1").exit_code == 2
    (tmp_path / "m.db").write_text("no database at all " * 99)
    damaged = sync(folder, f"tracking.mlflow_uri=sqlite:///{tmp_path}/m.db", "--json")
    assert damaged.exit_code == 2
    assert "damaged" in json.loads(damaged.stdout)["error"]["message"]


def test_a_server_that_is_down_is_exit_code_1_and_prints_no_password(folder):
    done = sync(folder, "tracking.mlflow_uri=http://ann:sesame-73@127.0.0.1:9", "--json")
    assert done.exit_code == 1
    assert "127.0.0.1" in done.stderr
    assert "sesame" not in done.output
