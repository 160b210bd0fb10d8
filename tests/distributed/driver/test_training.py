"""Training through Ray on the shared cluster: what is written, and that a killed worker leaves no trace."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from raydist.distributed.driver.training import train
from raydist.engine.events import AlreadyFinished, EpochDone, Preparing, ReportWritten, Started, StepDone
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import load_config, with_values
from raydist.errors import ConfigError, DataError

pytestmark = pytest.mark.usefixtures("cluster")

WORDS = ("train.iterations=10", "train.batch_identities=3", "train.batch_instances=2", "evaluation.every=2")


def config(tmp_path: Path, *words: str):
    return load_config(
        "smoke",
        [*WORDS, f"run.dir={tmp_path}/runs", f"tracking.mlflow_uri=sqlite:///{tmp_path}/mlflow.db", *words],
    )


def outcome(folder: RunFolder) -> dict[str, object]:
    """All that must be equal, without seconds."""
    files = folder.checkpoints.newest()[1]
    state = json.loads(files.pop("state.json"))
    state["report"].pop("seconds")
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in folder.metrics.rows()]
    return {"state": state, "rows": rows, **files}


@pytest.fixture(scope="module")
def undisturbed(cluster, tmp_path_factory):
    home, events = tmp_path_factory.mktemp("undisturbed"), []
    folder, summary = train(config(home), on_event=events.append)
    return home, folder, summary, events


def test_the_run_folder_is_whole(undisturbed):
    _, folder, summary, events = undisturbed
    summary = summary.as_dict()
    present = {path.name for path in folder.path.iterdir()}
    assert present >= {
        "config.yaml",
        "environment.json",
        "log.txt",
        "metrics.jsonl",
        "summary.json",
        "checkpoints",
        "labels",
    }
    assert [row["epoch"] for row in folder.metrics.rows()] == [0, 1, 2, 3]
    assert [e.report.epoch for e in events if isinstance(e, EpochDone)] == [1, 2, 3]
    first = next(event for event in events if not isinstance(event, Preparing))
    assert isinstance(first, Started)
    assert isinstance(events[-1], ReportWritten)
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

    home, folder, _, _ = undisturbed
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    run_id = folder.read_json("environment.json")["mlflow_run_id"]
    assert [m.step for m in client.get_metric_history(run_id, "epoch")] == [0, 1, 2, 3]
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["method.name"] == "cba"
    assert "retrieval/infrared_to_visible/map" in run.data.metrics


def test_a_run_whose_worker_is_killed_ends_with_the_same_bytes(undisturbed, tmp_path):
    killed = []

    def kill_in_the_second_epoch(event):
        if isinstance(event, StepDone) and event.epoch == 2 and not killed:
            text = (next((tmp_path / "runs").iterdir()) / "log.txt").read_text()
            killed.append(int(re.findall(r"worker 1 \(pid (\d+)\)", text)[-1]))
            os.kill(killed[0], signal.SIGKILL)

    folder, _ = train(config(tmp_path), on_event=kill_in_the_second_epoch)
    assert killed
    assert "going on after epoch 1" in (folder.path / "log.txt").read_text()
    assert outcome(folder) == outcome(undisturbed[1])


def test_an_error_of_a_worker_is_told_as_it_is_and_not_tried_again(tmp_path):
    with pytest.raises(ValueError, match="collapsed"):
        train(config(tmp_path, "method.name=dcl", "clustering.min_samples=12"))
    (folder,) = (tmp_path / "runs").iterdir()
    assert not (folder / "summary.json").exists()


def test_more_workers_than_the_cluster_has_are_refused_at_once(tmp_path):
    with pytest.raises(ConfigError, match=r"ray\.num_workers = 64 needs 64 CPUs; the cluster has"):
        train(config(tmp_path, "ray.num_workers=64"))
    assert not (tmp_path / "runs").exists()


def test_missing_data_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DataError):
        train(config(tmp_path, "data.name=hitsz_vcm", f"data.root={tmp_path}/nowhere"))
    assert not (tmp_path / "runs").exists()


def test_a_finished_run_is_summed_up_at_once(undisturbed):
    _, folder, summary, _ = undisturbed
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
    home, folder, _, _ = undisturbed
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
