"""Bad input to `raydist train`: one message, the promised exit code, nothing written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from raydist.cli import train
from raydist.cli.app import app
from raydist.engine.inputs import open_inputs
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.state import build_state
from raydist.home import cache_folder
from raydist.reports.run_page import write_run_page
from raydist.tracking.tracker import NoTracker

RUNNER = CliRunner()


def remove_a_frame(root: Path) -> None:
    next(root.rglob("Train/*/ir/*/1.jpg")).unlink()


def truncate_a_frame(root: Path) -> None:
    path = next(root.rglob("Train/*/rgb/*/2.jpg"))
    path.write_bytes(path.read_bytes()[:200])


def shift_a_range(root: Path) -> None:
    path = root / "info" / "track_train_info.txt"
    first, *rest = path.read_text().splitlines()
    modality, start, end, identity, camera = first.split()
    path.write_text("\n".join([f"{modality} {start} {int(end) + 3} {identity} {camera}", *rest]) + "\n")


def keep_one_modality(root: Path) -> None:
    path = root / "info" / "track_train_info.txt"
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines() if line.startswith("2")))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (remove_a_frame, "1.jpg"),
        (truncate_a_frame, "2.jpg"),
        (shift_a_range, "track_train_info.txt"),
        (keep_one_modality, "infrared"),
    ],
)
def test_bad_data_is_refused_before_anything_is_written(
    smoke_root, tmp_path, harm: Callable[[Path], None], message
):
    root = tmp_path / "data"
    shutil.copytree(smoke_root, root)
    harm(root)
    words = ["data.name=hitsz_vcm", f"data.root={root}", "data.mismatch=error", f"run.dir={tmp_path}/runs"]
    result = RUNNER.invoke(app, ["train", "smoke", *words])
    assert result.exit_code == 3, result.output
    assert result.stderr.removeprefix("packing 620 frames (once)\n").startswith("error: ")
    assert message in result.stderr
    assert not (tmp_path / "runs").exists()


def test_a_tracklet_without_frames_is_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "tracklet_id,split,modality,camera,identity,frames\na,train,visible,1,,\n"
    )
    words = ["data.name=manifest", f"data.root={tmp_path}/manifest.csv", f"run.dir={tmp_path}/runs"]
    result = RUNNER.invoke(app, ["train", "smoke", *words])
    assert result.exit_code == 3, result.output
    assert "frames" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["smoke", "train.epoch=3"], "did you mean 'epochs'"),
        (["smok"], "did you mean 'smoke'"),
        (["smoke", "demo"], "one recipe"),
        (["smoke", "epochs=3"], "section.key=value"),
    ],
)
def test_a_bad_command_line_ends_with_code_2(words, message):
    result = RUNNER.invoke(app, ["train", *words])
    assert result.exit_code == 2, result.output
    assert message in result.stderr


def test_a_folder_without_a_run_cannot_be_gone_on_with(tmp_path):
    result = RUNNER.invoke(app, ["train", "--resume", str(tmp_path)])
    assert result.exit_code == 2
    assert "holds no run" in result.stderr


def retried(run_dir):
    """The arguments of a command that is given again and again until its run is finished."""
    return [
        run_dir / "config.yaml",
        f"run.dir={run_dir.parent}",
        f"run.name={run_dir.name}",
        "run.on_exists=resume",
    ]


def test_a_finished_run_is_not_trained_again(raydist, run_dir, monkeypatch):
    page = write_run_page(RunFolder.open(run_dir))
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    monkeypatch.chdir(run_dir.parent)
    result = raydist("train", "--resume", run_dir.name, "--json")
    assert result.code == 0
    assert f"{run_dir} is finished after 3 epochs: nothing is left to train" in result.err
    assert f"run folder: {run_dir}" in result.err
    assert result.json == json.loads((run_dir / "summary.json").read_text()) | {"folder": str(run_dir)}
    assert {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()} == before
    again = raydist("train", *retried(run_dir), "--json")
    assert (again.code, again.json) == (0, result.json)
    assert {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()} == before
    for words in (["--resume", run_dir.name], retried(run_dir)):
        refused = raydist("train", *words, "train.lr=0.5")
        assert refused.code == 2
        assert "a resumed run keeps its configuration" in refused.err
    assert page.is_file()


def test_a_message_is_one_error_not_a_traceback(tmp_path):
    result = RUNNER.invoke(app, ["train", "smoke", "data.name=hitsz_vcm", f"data.root={tmp_path}", "--json"])
    assert "Traceback" not in result.output
    error = json.loads(result.stdout)["error"]
    assert result.stderr == f"error: {error['message']}\n"


def test_a_folder_given_to_go_on_with_means_the_same_in_every_process(run_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = train._resumed(run_dir, ["data.root=moved", "tracking.mlflow_uri=sqlite:///mine.db"])[0]
    assert config.data.root == str(tmp_path / "moved")
    assert config.tracking.mlflow_uri == f"sqlite:///{tmp_path}/mine.db"


def test_a_recipe_beside_a_run_to_go_on_with_is_refused(tmp_path):
    result = RUNNER.invoke(app, ["train", "smoke", "--resume", str(tmp_path), "train.epochs=3"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: smoke with --resume {tmp_path}: a run goes on with its own")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train.lr=0.5"], "these differ:\ntrain.lr: 0.002 -> 0.5\n"),
        (["data.trial=3"], "holds a run on each split of its data set: name one of them, such as"),
    ],
)
def test_a_training_on_all_splits_is_not_gone_on_with_in_another_way(raydist, splits_dir, words, message):
    before = sorted(splits_dir.rglob("*"))
    result = raydist("train", "--resume", splits_dir, *words)
    assert result.code == 2
    assert message in result.err
    assert sorted(splits_dir.rglob("*")) == before


def test_one_run_does_not_become_one_on_all_splits(raydist, splits_dir, run_dir):
    words = ("data.name=regdb", f"data.root={splits_dir.parent}", "data.trial=all")
    result = raydist("train", "--resume", run_dir, *words)
    assert result.code == 2
    assert f"error: {run_dir} holds no runs on all splits of a data set" in result.err


def test_a_split_whose_lists_are_missing_is_bad_data(raydist, image_set, tmp_path):
    words = ("data.name=regdb", f"data.root={image_set('regdb')}", "data.trial=all", "method.name=dcl")
    result = raydist("train", "smoke", *words, "clustering.eps=0.9", f"run.dir={tmp_path}/runs")
    assert result.code == 3
    assert result.err.startswith("error: data.trial = 3: cannot read")
    assert not (tmp_path / "runs").exists()


def test_a_finished_training_on_all_splits_is_printed_again(raydist, splits_dir, run_dir):
    with_root = (splits_dir / "config.yaml").read_text()
    (splits_dir / "config.yaml").write_text(with_root.replace("mlflow_uri: sqlite", "mlflow_uri: null #"))
    write_run_page(RunFolder.open(run_dir))
    for trial in range(1, 11):
        shutil.copytree(run_dir, splits_dir / f"trial_{trial:02d}")
    result = raydist("train", "--resume", splits_dir, "--json")
    assert result.code == 0
    assert "[10/10] trial_10: done before" in result.err
    assert "mean ± spread over 10 of 10 splits" in result.err
    of_one = RunFolder.open(run_dir).summary()
    assert result.json["trials"] == list(range(1, 11))
    for direction, values in of_one.last.items():
        assert result.json["last"][direction] == pytest.approx(values)
        assert result.json["spread"]["last"][direction]["map"] == pytest.approx(0.0, abs=1e-9)
    assert result.json == json.loads((splits_dir / "summary.json").read_text()) | {"folder": str(splits_dir)}


def test_a_run_whose_data_or_configuration_changed_is_not_gone_on_with(
    raydist, smoke, smoke_manifest, tmp_path
):
    manifest = smoke_manifest()
    words = ("data.name=manifest", f"data.root={manifest}", "train.limit_epochs=1", "train.iterations=1")
    config = smoke(*words, "tracking.mlflow_uri=null")
    folder = RunFolder.create(tmp_path, "run", "x")
    folder.write("config.yaml", config.dump())
    state = build_state(config, open_inputs(config, cache_folder()))
    train_run(state, folder, NoTracker(), after_epoch=lambda report: None)
    of = f"error: the checkpoint of epoch 3 of {folder.path} was made with"

    rows = pq.read_table(manifest)
    pq.write_table(rows.filter(pc.field("tracklet_id") != str(state.inputs.names[0])), manifest)
    changed = raydist("train", "--resume", folder.path)
    assert changed.code == 3
    assert (
        f"{of} other data; give the data as they were (data.root=...), or start a new run:\n" in changed.err
    )
    assert f"\n1 training tracklet is gone: {state.inputs.names[0]}\n" in changed.err
    assert not (folder.path / "report").exists()

    folder.write("config.yaml", config.dump().replace("lr: 0.002", "lr: 0.5"))
    edited = raydist("train", "--resume", folder.path)
    assert edited.code == 2
    assert f"{of} another configuration" in edited.err
    assert "\ntrain.lr: 0.002 -> 0.5\n" in edited.err
