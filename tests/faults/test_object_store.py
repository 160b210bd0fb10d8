"""A training that is in an object store from its data to its page, on machines without a common disk."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyarrow import fs

from tests.ray_head import BIN
from tests.ray_nodes import add_node
from tests.s3_server import BUCKET

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1500)]

PLACE = f"s3://{BUCKET}/runs/a"
RUN = [
    "smoke", "method.name=dcl", "data.name=hitsz_vcm", f"data.root=s3://{BUCKET}/set",
    f"run.dir=s3://{BUCKET}/runs", "run.name=a", "run.on_exists=resume", "train.epochs=4",
    "train.iterations=6", "ray.num_workers=1", "ray.num_shards=1", "tracking.mlflow_uri=null",
    "ray.wait_for_resources=200", "--json",
]  # fmt: skip
LIMIT = 600
"""Seconds that a command may take on a machine that is busy with other tests."""


def machine(home: Path, s3_environment: dict[str, str]) -> dict[str, str]:
    """The environment of a machine: its cache is in a home of its own."""
    home.mkdir()
    env = {name: value for name, value in os.environ.items() if name != "RAYDIST_HOME"}
    return env | s3_environment | {"HOME": str(home)}


@pytest.fixture
def store(s3_environment: dict[str, str], smoke_root: Path) -> fs.FileSystem:
    """The store, with a data set."""
    address = s3_environment["AWS_ENDPOINT_URL"]
    store = fs.S3FileSystem(access_key="tests", secret_key="tests", endpoint_override=address)
    here = fs.LocalFileSystem()
    fs.copy_files(str(smoke_root), f"{BUCKET}/set", source_filesystem=here, destination_filesystem=store)
    return store


def names(store: fs.FileSystem) -> set[str]:
    """Of all objects of the run."""
    entries = store.get_file_info(fs.FileSelector(f"{BUCKET}/runs/a", recursive=True, allow_not_found=True))
    files = {entry.path for entry in entries if entry.type == fs.FileType.File}
    return {path.removeprefix(f"{BUCKET}/runs/a/") for path in files}


def lose_after_an_epoch(command: list[str], env: dict[str, str], store: fs.FileSystem, folder: Path) -> None:
    """Train, and kill the driver when the first checkpoint is whole."""
    log = folder / "first.txt"
    with log.open("w") as said:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=said, stderr=said)
    give_up = time.monotonic() + LIMIT
    try:
        while "checkpoints/epoch_0001/manifest.json" not in names(store):
            assert time.monotonic() < give_up, log.read_text()
            assert process.poll() is None, log.read_text()
            time.sleep(0.3)
    finally:
        process.kill()
        process.wait()


def outcome(command: list[str], env: dict[str, str], folder: Path) -> dict:
    """What a command sums up at its end."""
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_run_is_lost_goes_on_and_is_looked_at_from_other_machines(
    one_node, store, s3_environment, tmp_path, monkeypatch
):
    first, second, third, worker = (
        machine(tmp_path / name, s3_environment) for name in ("first", "second", "third", "worker")
    )
    with monkeypatch.context() as there:
        there.delenv("RAYDIST_HOME")
        for name, value in worker.items():
            there.setenv(name, value)
        add_node(one_node)
    train = [sys.executable, "-m", "raydist.train", *RUN, f"ray.address={one_node.address}"]
    lose_after_an_epoch(train, first, store, tmp_path)
    summary = outcome(train, second, tmp_path)
    assert (summary["folder"], summary["epochs"]) == (PLACE, 4)
    copies = Path("raydist/cache/object_stores/s3") / BUCKET / "runs/a"
    assert "going on after epoch" in (tmp_path / "worker" / copies / "log-worker-0.txt").read_text()
    assert not (tmp_path / "first" / copies / "summary.json").exists()
    assert {"config.yaml", "summary.json", "metrics.jsonl", "log.txt", "report/index.html"} <= names(store)
    assert not {name for name in names(store) if name.endswith((".part", ".lock", "lock.json"))}
    command = str(BIN / "raydist")
    scores = outcome([command, "evaluate", PLACE, "--json"], third, tmp_path)
    assert (scores["folder"], scores["epoch"]) == (PLACE, 4)
    page = outcome([command, "report", f"{PLACE}@3", "--json"], third, tmp_path)
    assert page["report"] == f"{PLACE}/report/index.html"
