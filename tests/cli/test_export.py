"""`raydist export`: files that other programs read give the features that `raydist embed` gives."""

import numpy as np
import onnxruntime
import optuna
import pytest
import safetensors
from PIL import Image

from raydist.data.datasets.dataset import read_dataset
from raydist.data.feature_files import read_features
from raydist.data.transforms.clips import sub_tracklet_clips
from raydist.encoders.weights.files import sha256_of
from raydist.engine.schema import load_config
from raydist.engine.trained import Trained
from raydist.tuning.space import Space
from raydist.tuning.study import make_study
from raydist.tuning.study_folder import StudyFolder
from raydist.types import tracklet_means


@pytest.fixture(scope="module")
def onnx(raydist, run_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("onnx") / "new" / "encoder.onnx"
    return raydist("export", run_dir, "--format", "onnx", "--out", out, "--json"), out


def test_what_was_written_is_said(onnx):
    result, out = onnx
    assert result.code == 0
    assert result.json["sha256"] == sha256_of(out)
    assert 0 <= result.json["largest_difference"] < 1e-4
    assert sorted(path.name for path in out.parent.iterdir()) == ["encoder.onnx", "encoder.onnx.md"]


def test_a_program_with_onnxruntime_alone_has_the_features_of_embed(
    raydist, run_dir, onnx, smoke_root, tmp_path
):
    table, _ = read_dataset("hitsz_vcm", smoke_root)
    assert raydist("embed", run_dir, "--out", tmp_path / "f.parquet").code == 0
    features = read_features(tmp_path / "f.parquet").features
    session = onnxruntime.InferenceSession(onnx[1], providers=["CPUExecutionProvider"])
    data = Trained.load(run_dir, None, sections=()).config.data
    for row in range(0, len(table), max(1, len(table) // 10)):
        paths = [table.root / path for path in table.table["frames"][row].as_py()]
        clips = sub_tracklet_clips(len(paths), data.frames, data.sub_tracklets)
        pictures = [[np.asarray(Image.open(paths[i]).convert("RGB")) for i in clip] for clip in clips]
        modality = np.full(len(clips), table.modality[row], np.int64)
        (parts,) = session.run(["features"], {"frames": np.array(pictures), "modality": modality})
        assert 1 - tracklet_means(parts[None])[0] @ features[row] < 1e-4


def test_any_number_of_clips_and_frames_of_any_size_goes_in(onnx):
    session = onnxruntime.InferenceSession(onnx[1], providers=["CPUExecutionProvider"])
    for clips, frames, height, width in ((1, 1, 300, 130), (5, 2, 40, 90), (3, 9, 16, 8)):
        pictures = np.random.default_rng(0).integers(
            0, 256, (clips, frames, height, width, 3), dtype=np.uint8
        )
        modality = np.arange(clips) % 2
        (features,) = session.run(["features"], {"frames": pictures, "modality": modality})
        assert len(features) == clips
        assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)


def test_weights_start_another_run(raydist, run_dir, tmp_path):
    out = tmp_path / "encoder.safetensors"
    assert raydist("export", run_dir, "--out", out).code == 0
    with safetensors.safe_open(out, "pt") as file:
        assert '"name": "small"' in file.metadata()["encoder"]
    assert raydist("weights", "check", out).code == 0
    assert load_config("smoke", [f"encoder.weights={out}"]).encoder.weights == str(out)


def test_the_card_says_what_goes_in_and_what_it_is_worth(onnx):
    card = (onnx[1].parent / "encoder.onnx.md").read_text()
    assert sha256_of(onnx[1]) in card
    for words in ("uint8 [clips, frames, height, width, 3]", "infrared to visible: Rank-1", "Intended use"):
        assert words in card
    assert "{" not in card


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--format", "onnx", "--out", "x.pt"], 2, "ends in .onnx"),
        (["--out", "x.onnx"], 2, "ends in .safetensors"),
        (["--out", "x.safetensors", "--checkpoint", "99"], 2, "no checkpoint of epoch 99"),
    ],
)
def test_what_cannot_be_is_one_line(raydist, run_dir, words, code, message):
    result = raydist("export", run_dir, *words)
    assert result.code == code
    assert message in result.err


def test_a_missing_package_is_named_with_the_remedy(raydist, run_dir, tmp_path, monkeypatch):
    monkeypatch.setattr("raydist.export.onnx_file.NEEDED", ("onnx", "no_such_package"))
    result = raydist("export", run_dir, "--format", "onnx", "--out", tmp_path / "x.onnx")
    assert result.code == 2
    assert "no_such_package: pip install 'raydist[export]'" in result.err
    assert not list(tmp_path.iterdir())


def test_the_trials_of_a_study_are_written_for_optuna(raydist, tmp_path):
    study = make_study(
        Space.parse({"recipes": {"synthetic": "smoke"}, "train.lr": {"uniform": [0.1, 1]}}), []
    )
    folder = StudyFolder.create(tmp_path, "s", study)
    with folder.recording() as log:
        log.start(0, study.sample(0))
    out = tmp_path / "study.db"
    result = raydist("export", folder.path, "--format", "optuna", "--out", out, "--json")
    assert (result.code, result.json["trials"]) == (0, 1)
    assert "1 trial of the study s, at sqlite:///" in result.err
    assert len(optuna.load_study(study_name="s", storage=f"sqlite:///{out}").trials) == 1


def test_a_study_is_no_run_and_a_run_no_study(raydist, run_dir, tmp_path):
    out = tmp_path / "study.db"
    assert "holds no study" in raydist("export", run_dir, "--format", "optuna", "--out", out).err
    words = ("export", run_dir, "--format", "optuna", "--out", out, "--checkpoint", "best")
    assert "this belongs to a run" in raydist(*words).err
    assert not out.exists()
