"""Training on all splits of a data set: ordinary runs, gone on with split by split, and their mean."""

import json
import shutil
from dataclasses import replace

import mlflow
import pytest

from raydist.data.datasets import regdb
from raydist.distributed.driver.compare import run_comparison
from raydist.distributed.driver.comparison import plan_comparison
from raydist.distributed.driver.splits import check_splits, train_splits
from raydist.distributed.driver.training import train
from raydist.engine.events import AlreadyFinished, CellStarted, EpochDone
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import load_config
from raydist.engine.splits import SplitsFolder
from raydist.errors import ConfigError, DataError

SMALL = (
    "method.name=dcl", "data.frames=1", "data.sub_tracklets=1", "clustering.eps=0.9", "train.iterations=2",
    "train.limit_epochs=2", "evaluation.every=1", "ray.num_workers=1", "ray.num_shards=1",
)  # fmt: skip


@pytest.fixture
def words(image_set, tmp_path, monkeypatch):
    """Of a tiny RegDB that has its first two splits only."""
    monkeypatch.setattr(regdb, "REGDB", replace(regdb.REGDB, num_trials=2))
    data = ("data.name=regdb", f"data.root={image_set('regdb')}", "data.trial=all")
    tracking = f"tracking.mlflow_uri=sqlite:///{tmp_path}/mlflow.db"
    return (*data, *SMALL, f"run.dir={tmp_path}/runs", tracking)


def kinds(events):
    return [
        (event.name, event.done) if isinstance(event, CellStarted) else event.report.epoch
        for event in events
        if isinstance(event, CellStarted | EpochDone)
    ]


def encoder(folder):
    return RunFolder(folder).checkpoints.newest()[1]["encoder.safetensors"]


@pytest.mark.usefixtures("cluster")
def test_an_interrupted_training_goes_on_with_the_first_split_that_is_not_finished(words, tmp_path):
    config, events = load_config("smoke", [*words, "run.name=all"]), []

    def until_the_second_split_has_an_epoch(event):
        events.append(event)
        if kinds(events)[-2:] == [("trial_02", False), 1]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_splits(config, on_event=until_the_second_split_has_an_epoch)
    top = tmp_path / "runs" / "all"
    assert kinds(events) == [("trial_01", False), 1, 2, ("trial_02", False), 1]
    assert {event.folder for event in events if isinstance(event, CellStarted)} == {str(top)}
    assert json.loads((top / "summary.json").read_text())["trials"] == [1]

    events.clear()
    folder, summary = train_splits(config, resume=top, on_event=events.append)
    assert (folder.path, summary.trials) == (top, [1, 2])
    assert kinds(events)[:2] == [("trial_01", True), ("trial_02", False)]
    assert kinds(events)[2:] in ([2], [])  # its first epoch was safe, and the second may have been
    assert json.loads((top / "summary.json").read_text()) == json.loads(json.dumps(summary.as_dict()))
    runs = [RunFolder.open(top / name) for name in ("trial_01", "trial_02")]
    for number, run in enumerate(runs, start=1):
        assert run.config().data.trial == number
        assert (run.path / "report" / "index.html").is_file()
    maps = [run.summary().last["visible_to_infrared"]["map"] for run in runs]
    assert summary.metrics["last/visible_to_infrared/map"].mean == sum(maps) / 2

    alone = load_config("smoke", [*words, "data.trial=2", "tracking.mlflow_uri=null"])
    assert encoder(train(alone)[0].path) == encoder(top / "trial_02")
    _check_tracking(config, top)
    _check_nothing_is_left(config, top)
    _check_comparison(words, top)


def _check_tracking(config, top):
    """One run for all, finished, and a nested one for each split."""
    client = mlflow.MlflowClient(config.tracking.mlflow_uri)
    name = f"raydist/{config.method.name}-{config.data.name}"
    experiment = client.get_experiment_by_name(name).experiment_id
    by_name = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert set(by_name) == {"all", "trial_01", "trial_02"}
    assert {run.info.status for run in by_name.values()} == {"FINISHED"}
    whole = by_name["all"].info.run_id
    parents = {name: run.data.tags.get("mlflow.parentRunId") for name, run in by_name.items()}
    assert parents == {"all": None, "trial_01": whole, "trial_02": whole}
    expected = json.loads((top / "summary.json").read_text())
    metrics = by_name["all"].data.metrics
    assert metrics["epoch"] == 2
    for place, values in (("", expected), ("spread/", expected["spread"])):
        name = "last/infrared_to_visible/map"
        assert metrics[f"{place}{name}"] == values["last"]["infrared_to_visible"]["map"]
    assert {file.path for file in client.list_artifacts(whole)} >= {"config.yaml", "summary.json"}


def _check_nothing_is_left(config, top):
    """A finished training is not gone on with; its summary is written again."""
    (top / "summary.json").rename(top / "before.json")
    events = []
    train_splits(config, resume=top, on_event=events.append)
    assert kinds(events) == [("trial_01", True), ("trial_02", True)]
    assert not [event for event in events if isinstance(event, AlreadyFinished)]
    assert (top / "summary.json").read_text() == (top / "before.json").read_text()


def _check_comparison(words, top):
    """A row of a comparison is the mean of the splits; a cell whose splits are not whole is gone on with."""
    comparison = plan_comparison("smoke", ["dcl"], [0], [*words[:2], "data.trial=all", *words[4:]])
    (cell,) = comparison.cells
    assert cell.has_splits
    assert cell.summary() is None
    shutil.copytree(top, cell.folder)
    shutil.rmtree(cell.folder / "trial_02")
    assert cell.summary() is None
    (row,) = run_comparison(comparison, on_event=lambda event: None).rows
    expected = json.loads((top / "summary.json").read_text())["last"]["infrared_to_visible"]["map"]
    assert row.measures["last/infrared_to_visible/map"].mean == expected


def test_a_split_without_lists_is_refused_before_the_first_is_trained(words, image_set, tmp_path):
    (image_set("regdb") / "idx" / "test_thermal_2.txt").unlink()
    with pytest.raises(DataError, match=r"^data\.trial = 2: cannot read .*test_thermal_2\.txt"):
        train_splits(load_config("smoke", words))
    assert not (tmp_path / "runs").exists()


def test_a_split_that_is_too_small_is_named(words, image_set):
    file = image_set("regdb") / "idx" / "train_visible_2.txt"
    file.write_text(file.read_text().splitlines()[0] + "\n")
    config = load_config("smoke", words)
    with pytest.raises(DataError, match=r"^data\.trial = 2: 1 visible training tracklet cannot make two"):
        check_splits(config, [1, 2])
    check_splits(config, [1])


def test_a_split_that_is_cut_off_is_warned_of(words, image_set, caplog):
    config = load_config("smoke", words)
    check_splits(config, [1, 2])
    assert "trains on" not in caplog.text
    file = image_set("regdb") / "idx" / "train_thermal_2.txt"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:7]))
    check_splits(config, [1, 2])
    assert (
        "warning: split 2 trains on 7 infrared tracklets of 3 identities (split 1 on 18 of 6)" in caplog.text
    )


def test_weights_are_needed_by_splits_that_have_no_checkpoint(words, tmp_path):
    earlier, weights = tmp_path / "earlier", tmp_path / "weights"
    for trial in (1, 2):
        run = RunFolder.create(earlier, f"trial_{trial:02d}", "x")
        run.checkpoints.write(1, {"state.json": b"{}"})
    weights.mkdir()
    (weights / "config.yaml").write_text("data: {trial: all}\n")
    config = load_config("smoke", [*words, f"encoder.weights={weights}"])
    folder = SplitsFolder(earlier, config)
    check_splits(config, [1, 2], folder)
    shutil.rmtree(earlier / "trial_02")
    with pytest.raises(ConfigError, match=r"weights/trial_02: no such run or file"):
        check_splits(config, [1, 2], folder)
    check_splits(config, [1], folder)
