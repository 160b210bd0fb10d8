"""Training through Ray on the shared cluster: what is written, and that a killed worker leaves no trace."""

import os
import re
import signal
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from raydist.distributed.driver.training import train
from raydist.distributed.shards import start
from raydist.distributed.shards.feature_shard import FeatureShard
from raydist.engine.events import (
    AlreadyFinished,
    EpochDone,
    MemoryTaken,
    Preparing,
    ReportWritten,
    Started,
    StepDone,
)
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import load_config, with_values
from raydist.errors import ConfigError, DataError, WorkerError
from tests.processes import actors, listening_sockets

pytestmark = pytest.mark.usefixtures("cluster")

WORDS = ("train.iterations=10", "train.batch_identities=3", "train.batch_instances=2", "evaluation.every=2")


HANG_SECONDS = 15
"""After so long a worker is ended that hangs; short, so that the test is."""


def config(tmp_path: Path, *words: str):
    return load_config(
        "smoke",
        [*WORDS, f"run.dir={tmp_path}/runs", f"tracking.mlflow_uri=sqlite:///{tmp_path}/mlflow.db", *words],
    )


@pytest.fixture(scope="module")
def undisturbed(cluster, tmp_path_factory):
    home, events, moments = tmp_path_factory.mktemp("undisturbed"), [], {}

    def listen(event):
        events.append(event)
        if isinstance(event, StepDone):
            moments.setdefault("steps", listening_sockets())
        if isinstance(event, EpochDone) and event.report.epoch == 1:
            moments["refresh"] = in_a_refresh(listening_sockets)

    folder, summary = train(config(home), on_event=listen)
    return home, folder, summary, events, moments


def in_a_refresh(look):
    """What is seen while the refresh of an epoch waits for shards, which are stopped meanwhile."""
    for shard in actors("FeatureShard"):
        shard.suspend()
    try:
        time.sleep(2)
        return look()
    finally:
        for shard in actors("FeatureShard"):
            shard.resume()


def test_the_run_folder_is_whole(undisturbed):
    _, folder, summary, events, _ = undisturbed
    summary = summary.as_dict()
    present = {path.name for path in folder.path.iterdir()}
    assert present >= {
        "config.yaml",
        "environment.json",
        "log.txt",
        "memory_peaks.json",
        "metrics.jsonl",
        "summary.json",
        "checkpoints",
        "labels",
    }
    assert [row["epoch"] for row in folder.metrics.rows()] == [0, 1, 2, 3]
    assert [e.report.epoch for e in events if isinstance(e, EpochDone)] == [1, 2, 3]
    first = next(event for event in events if not isinstance(event, Preparing))
    assert isinstance(first, Started)
    assert [type(event) for event in events[-3:]] == [ReportWritten, MemoryTaken, Preparing]
    taken = events[-2]
    assert folder.read_json("memory_peaks.json") == asdict(taken)
    assert taken.expected == first.expected
    ray_section = load_config("smoke", []).ray
    assert len(taken.workers_mb) == ray_section.num_workers
    assert len(taken.shards_mb) == ray_section.num_shards
    assert taken.store_mb > 0
    every = [taken.driver_mb, taken.board_mb, *taken.workers_mb, *taken.shards_mb]
    assert all(50 < megabytes < 4000 for megabytes in every)
    assert min(taken.workers_mb) > taken.board_mb  # which has no torch
    expected = taken.expected
    for megabytes, forecast in (
        (taken.driver_mb, expected.driver_mb),
        (taken.board_mb, expected.board_mb),
        (max(taken.workers_mb), expected.worker_mb),
        (max(taken.shards_mb), expected.shard_mb),
    ):
        assert 0.5 < megabytes / forecast < 2
    assert events[-1].what.startswith("model: models:/")
    assert set(summary) >= {
        "method",
        "data",
        "seed",
        "epochs",
        "untrained",
        "last",
        "best",
        "seconds",
        "frames_per_second",
    }
    assert set(summary["last"]["infrared_to_visible"]) >= {
        "rank1",
        "rank5",
        "rank10",
        "rank20",
        "map",
        "minp",
    }
    assert len(list((folder.path / "labels").glob("epoch_*.parquet"))) == 3


def test_mlflow_has_every_epoch_once(undisturbed):
    from mlflow import MlflowClient

    home, folder, *_ = undisturbed
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    run_id = folder.read_json("environment.json")["mlflow_run_id"]
    assert [m.step for m in client.get_metric_history(run_id, "epoch")] == [0, 1, 2, 3]
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["method.name"] == "cba"
    assert "retrieval/infrared_to_visible/map" in run.data.metrics


def pid_of(rank: int, runs: Path) -> int:
    """The process of a worker, from the log of the only run."""
    (folder,) = runs.iterdir()
    return int(re.findall(rf"worker {rank} \(pid (\d+)\)", (folder / "log.txt").read_text())[-1])


def once_in_epoch(number: int, action):
    """A listener that acts at the first step it hears of in an epoch."""
    acted = []

    def listen(event):
        if isinstance(event, StepDone) and event.epoch == number and not acted:
            acted.append(True)
            action()

    return listen, acted


def test_a_run_whose_worker_is_killed_ends_with_the_same_bytes(undisturbed, tmp_path, outcome):
    listen, acted = once_in_epoch(2, lambda: os.kill(pid_of(1, tmp_path / "runs"), signal.SIGKILL))
    folder, _ = train(config(tmp_path), on_event=listen)
    assert acted
    log = (folder.path / "log.txt").read_text()
    assert "driver WARNING a worker was lost, all start again from the last checkpoint" in log
    assert "going on after epoch 1" in log
    assert outcome(folder) == outcome(undisturbed[1])


def test_a_run_whose_board_is_killed_ends_with_the_same_bytes(undisturbed, tmp_path, outcome):
    def kill_boards():
        for process in actors("Board"):
            process.kill()

    listen, acted = once_in_epoch(2, kill_boards)
    folder, _ = train(config(tmp_path), on_event=listen)
    assert acted
    log = (folder.path / "log.txt").read_text()
    assert "driver WARNING the board was lost and started again" in log
    assert "going on after epoch" in log
    assert outcome(folder) == outcome(undisturbed[1])


def test_a_worker_that_hangs_is_named_and_replaced(undisturbed, tmp_path, outcome):
    listen, acted = once_in_epoch(2, lambda: os.kill(pid_of(1, tmp_path / "runs"), signal.SIGSTOP))
    said = []

    def hear(event):
        listen(event)
        if isinstance(event, Preparing):
            said.append(event.what)

    words = (f"ray.hang_timeout={HANG_SECONDS}", "ray.max_failures=8")
    folder, _ = train(config(tmp_path, *words), on_event=hear)
    assert acted
    assert any(re.match("worker 1 gave no sign of life for .* s .*: it is ended", line) for line in said)
    assert "driver WARNING worker 1 gave no sign of life" in (folder.path / "log.txt").read_text()
    assert outcome(folder) == outcome(undisturbed[1])


def fragile(folder: Path, *methods: str) -> type:
    """A shard whose process dies in the middle of each of these methods, once."""

    class Fragile(FeatureShard):
        pass

    def dying(name: str):
        def method(self, *args):
            result = getattr(FeatureShard, name)(self, *args)
            try:
                (folder / name).touch(exist_ok=False)
            except FileExistsError:
                return result
            os.kill(os.getpid(), signal.SIGKILL)

        return method

    for name in methods:
        setattr(Fragile, name, dying(name))
    return Fragile


def test_a_run_that_loses_shards_ends_with_the_same_bytes(undisturbed, tmp_path, monkeypatch, outcome):
    """In extraction, while they are idle; in the search of neighbours; in the Jaccard distances."""
    steps = ("search_own", "expand")
    monkeypatch.setattr(start, "FeatureShard", fragile(tmp_path, *steps))

    def kill_one():
        actors("Fragile")[0].kill()

    listen, acted = once_in_epoch(2, kill_one)
    folder, _ = train(config(tmp_path), on_event=listen)
    assert acted
    assert all((tmp_path / step).exists() for step in steps)
    assert "a feature shard was lost" in (folder.path / "log.txt").read_text()
    assert outcome(folder) == outcome(undisturbed[1])


def test_workers_that_are_lost_too_often_are_named_and_the_run_goes_on_later(undisturbed, tmp_path, outcome):
    killed = []

    def kill_always(event):
        if isinstance(event, StepDone) and event.epoch == 2:
            pid = pid_of(1, tmp_path / "runs")
            if pid not in killed:
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)

    with pytest.raises(WorkerError) as caught:
        train(config(tmp_path, "ray.max_failures=1"), on_event=kill_always)
    assert len(killed) == 2
    (path,) = (tmp_path / "runs").iterdir()
    first, *more = str(caught.value).splitlines()
    assert not more
    assert re.match(r"workers failed more than 1 times \(ray\.max_failures\): worker 1 failed \(", first)
    assert first.endswith(f"; go on with --resume {path}")
    folder = RunFolder.open(path)
    assert folder.summary() is None
    again, _ = train(folder.config(), resume=path)
    assert outcome(again) == outcome(undisturbed[1])


def test_every_socket_is_on_the_loopback_in_the_middle_of_a_run(undisturbed):
    """In steps, and in the refresh: of the driver and of all processes that it started."""
    moments = undisturbed[4]
    assert {"steps", "refresh"} <= set(moments)
    for sockets in moments.values():
        assert len(sockets) > 5
        assert {address for address, _ in sockets} == {"127.0.0.1"}
    assert os.environ["RAY_AUTH_MODE"] == "token"


def test_an_error_of_a_worker_is_told_as_it_is_and_not_tried_again(tmp_path):
    with pytest.raises(ValueError, match="collapsed"):
        train(config(tmp_path, "method.name=dcl", "clustering.min_samples=12"))
    (folder,) = (tmp_path / "runs").iterdir()
    assert not (folder / "summary.json").exists()


def test_more_workers_than_the_cluster_has_are_refused_at_once(tmp_path):
    import ray

    too_many = int(ray.cluster_resources()["CPU"]) + 1
    wanted = rf"ray\.num_workers = {too_many} needs {too_many} CPUs; the cluster has"
    with pytest.raises(ConfigError, match=wanted):
        train(config(tmp_path, f"ray.num_workers={too_many}"))
    assert not (tmp_path / "runs").exists()


def test_missing_data_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DataError):
        train(config(tmp_path, "data.name=hitsz_vcm", f"data.root={tmp_path}/nowhere"))
    assert not (tmp_path / "runs").exists()


def test_a_finished_run_is_summed_up_at_once(undisturbed):
    _, folder, summary, *_ = undisturbed
    events = []
    again, same = train(folder.config(), resume=folder.path, on_event=events.append)
    assert events == [AlreadyFinished(str(folder.path.resolve()), 3)]
    assert (again.path, same) == (folder.path.resolve(), summary)


def test_a_resumed_run_keeps_its_configuration(undisturbed):
    folder = undisturbed[1]
    changed = folder.config().model_copy(
        update={"train": folder.config().train.model_copy(update={"lr": 0.5})}
    )
    with pytest.raises(ConfigError, match=r"train\.lr: 0\.002 -> 0\.5"):
        train(changed, resume=folder.path)


def test_a_name_that_is_taken_is_refused(undisturbed):
    home, folder, *_ = undisturbed
    with pytest.raises(ConfigError, match="exists"):
        train(config(home, f"run.name={folder.path.name}"))


def test_a_run_goes_on_with_more_epochs_and_other_workers(tmp_path):
    first = config(tmp_path, "train.limit_epochs=1", "train.iterations=1", "tracking.mlflow_uri=null")
    folder, summary = train(first)
    assert summary.epochs == 3
    values = {"train.limit_epochs": 4, "train.epochs": 4, "ray.num_workers": 1, "data.workers": 3}
    longer = with_values(folder.config(), [(tuple(path.split(".")), v) for path, v in values.items()])
    events = []
    _, summary = train(longer, resume=folder.path, on_event=events.append)
    assert [event.report.epoch for event in events if isinstance(event, EpochDone)] == [4]
    assert summary.epochs == 4
    after = folder.config()
    assert (after.train.epochs, after.train.limit_epochs) == (4, 4)
    assert (after.ray.num_workers, after.data.workers) == (first.ray.num_workers, first.data.workers)
    events.clear()
    train(after, resume=folder.path, on_event=events.append)
    assert events == [AlreadyFinished(str(folder.path.resolve()), 4)]
