"""Bad input to `raydist train`: one message, the promised exit code, nothing written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from raydist.cli.app import app

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
    assert result.stderr.startswith("error: ")
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
    assert result.exit_code == 1
    assert "holds no run" in result.stderr


def test_a_message_is_one_error_not_a_traceback(tmp_path):
    result = RUNNER.invoke(app, ["train", "smoke", "data.name=hitsz_vcm", f"data.root={tmp_path}", "--json"])
    assert "Traceback" not in result.output
    with pytest.raises(json.JSONDecodeError):
        json.loads(result.stdout)


def test_a_recipe_beside_a_run_to_go_on_with_is_refused(tmp_path):
    result = RUNNER.invoke(app, ["train", "smoke", "--resume", str(tmp_path), "train.epochs=3"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: smoke with --resume {tmp_path}: a run goes on with its own")
