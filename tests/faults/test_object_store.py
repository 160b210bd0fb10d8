"""Trainings and searches in an object store from data to page, on machines without a common disk."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyarrow import fs

from tests.ray_head import BIN
from tests.ray_nodes import add_node
from tests.s3_server import BUCKET

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

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


def names(store: fs.FileSystem, key: str = f"{BUCKET}/runs/a") -> set[str]:
    """Of all objects of a run or a study."""
    entries = store.get_file_info(fs.FileSelector(key, recursive=True, allow_not_found=True))
    files = {entry.path for entry in entries if entry.type == fs.FileType.File}
    return {path.removeprefix(f"{key}/") for path in files}


def lose_after_an_epoch(
    command: list[str], env: dict[str, str], is_done: Callable[[], bool], folder: Path
) -> None:
    """Run a driver, and kill it when a first epoch is whole."""
    log = folder / "first.txt"
    with log.open("w") as said:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=said, stderr=said)
    give_up = time.monotonic() + LIMIT
    try:
        while not is_done():
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


def add_machine(cluster: "Cluster", env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One more node, with an environment of its own."""
    with monkeypatch.context() as there:
        there.delenv("RAYDIST_HOME")
        for name, value in env.items():
            there.setenv(name, value)
        add_node(cluster)


def test_a_run_is_lost_goes_on_and_is_looked_at_from_other_machines(
    one_node, store, s3_environment, tmp_path, monkeypatch
):
    first, second, third, worker = (
        machine(tmp_path / name, s3_environment) for name in ("first", "second", "third", "worker")
    )
    add_machine(one_node, worker, monkeypatch)
    train = [sys.executable, "-m", "raydist.train", *RUN, f"ray.address={one_node.address}"]
    lose_after_an_epoch(
        train, first, lambda: "checkpoints/epoch_0001/manifest.json" in names(store), tmp_path
    )
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


SPACE = """
recipes: {hitsz_vcm: smoke}
train.lr: {loguniform: [1.0e-4, 1.0e-3]}
"""
STUDY = f"{BUCKET}/studies/s"


@pytest.fixture
def everywhere(s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The store can be reached from nodes that start after this: drivers of trials may be on the head."""
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)


def test_a_search_is_lost_and_goes_on_from_another_machine(
    everywhere, one_node, store, s3_environment, tmp_path, monkeypatch
):
    first, second, third, worker = (
        machine(tmp_path / name, s3_environment) for name in ("first", "second", "third", "worker")
    )
    add_machine(one_node, worker, monkeypatch)
    (tmp_path / "space.yaml").write_text(SPACE)
    words = [word for word in RUN if not word.startswith(("smoke", "run.", "train.epochs", "--"))]
    command = [
        sys.executable, "-m", "raydist.tune", "space.yaml", *words, "train.epochs=3", "tune.num_samples=2",
        "tune.scheduler=none", f"run.dir=s3://{BUCKET}/studies", "run.name=s", "run.on_exists=resume",
        f"ray.address={one_node.address}", "--json",
    ]  # fmt: skip
    began = "trials/0000/checkpoints/epoch_0001/manifest.json"
    lose_after_an_epoch(command, first, lambda: began in names(store, STUDY), tmp_path)
    summary = outcome(command, second, tmp_path)
    assert summary["folder"] == f"s3://{STUDY}"
    assert summary["trials"] == {"finished": 2}
    assert summary["report"] == f"s3://{STUDY}/report/index.html"
    kept = names(store, STUDY)
    assert {"space.yaml", "study.json", "trials.jsonl", "summary.json", "report/index.html"} <= kept
    assert not {name for name in kept if "checkpoints" in name or name.endswith((".part", "lock.json"))}
    log = tmp_path / "worker/raydist/cache/object_stores/s3" / STUDY / "trials/0000/log-worker-0.txt"
    assert log.is_file()
    out = tmp_path / "study.db"
    export = [
        str(BIN / "raydist"),
        "export",
        f"s3://{STUDY}",
        "--format",
        "optuna",
        "--out",
        str(out),
        "--json",
    ]
    assert outcome(export, third, tmp_path)["trials"] == 2


def test_a_comparison_finds_its_cells_from_another_machine(store, s3_environment, tmp_path):
    first, second = (machine(tmp_path / name, s3_environment) for name in ("first", "second"))
    command = [
        str(BIN / "raydist"), "compare", "smoke", "--methods", "dcl", "--seeds", "0", "train.epochs=1",
        "train.iterations=2", f"run.dir=s3://{BUCKET}/studies", "ray.num_workers=1", "ray.num_shards=1",
        "tracking.mlflow_uri=null", "--json",
    ]  # fmt: skip
    table = outcome(command, first, tmp_path)
    assert table["folder"] == f"s3://{BUCKET}/studies/compare-synthetic"
    kept = names(store, f"{BUCKET}/studies/compare-synthetic")
    assert {name.rpartition("/")[2] for name in kept} >= {"summary.json", "config.yaml", "manifest.json"}
    assert outcome(command, second, tmp_path) == table
    copies = tmp_path / "second/raydist/cache/object_stores/s3" / BUCKET / "studies"
    brought = {file.name for file in copies.rglob("*") if file.is_file() and not file.name.startswith(".")}
    assert "summary.json" in brought
    assert "manifest.json" not in brought, "of a cell that has ended no checkpoint is fetched"
