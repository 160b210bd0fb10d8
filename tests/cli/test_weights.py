import hashlib
import shlex
import time

import pytest
import torch

from raydist.encoders.resnet import RESNET18, RESNET50
from raydist.encoders.small import SMALL


def save(backbone, path, *, prefix="module.", seed=0):
    torch.manual_seed(seed)
    state = {prefix + name: value for name, value in backbone.build().state_dict().items()}
    torch.save({"state_dict": state | {f"{prefix}fc.weight": torch.zeros(3, 4)}, "epoch": 3}, path)
    return path


def test_a_file_is_described_with_what_to_give(raydist, tmp_path):
    path = save(RESNET18, tmp_path / "resnet18.pth")
    numbers = [value.numel() for value in RESNET18.build().state_dict().values()]
    result = raydist("weights", "check", path)
    assert result.code == 0
    assert hashlib.sha256(path.read_bytes()).hexdigest() in result.err
    for line in (
        f"{path}: torch, {path.stat().st_size:,} bytes, {len(numbers) + 1} tensors, ",
        f" tensors, {sum(numbers) + 12:,} values",
        "one stem, taken by names from state_dict, prefix module. taken off; left out: 1 tensor (fc 1)",
        f"fits resnet18: encoder.name=resnet18 encoder.weights={path}",
    ):
        assert line in result.err.replace("\n", " ")


def test_the_same_as_json(raydist, tmp_path):
    path = save(RESNET50, tmp_path / "resnet50.pth")
    facts = raydist("weights", "check", path, "--json").json
    assert facts["nearest"] is None
    assert [row["name"] for row in facts["fits"]] == ["resnet50", "agw_resnet50", "agw_resnet50_non_local"]
    assert facts["fits"][0] | {"give": ""} == {
        "name": "resnet50", "stems": 1, "branches": 1, "by": "names", "wrapper": "state_dict.",
        "prefix": "module.", "left_out": {"fc": 1}, "give": "",
    }  # fmt: skip


def test_a_file_that_fits_none_ends_with_3_and_the_nearest(raydist, tmp_path):
    state = RESNET18.build().state_dict()
    del state["layer4.1.bn2.weight"]
    torch.save(state, tmp_path / "w.pth")
    result = raydist("weights", "check", tmp_path / "w.pth", "--json")
    assert result.code == 3
    assert "the nearest is resnet18: another architecture (missing layer4.1.bn2.weight)" in result.err
    assert result.json["fits"] == []
    assert result.json["nearest"]["name"] == "resnet18"


def test_the_advice_to_check_a_file_names_it_and_works(raydist, tmp_path):
    path = tmp_path / "my weights.pth"
    torch.save({"conv.weight": torch.zeros(3)}, path)
    result = raydist("train", "smoke", f"encoder.weights={path}")
    assert result.code == 3
    advice = result.err.partition("; raydist ")[2].partition(" says ")[0]
    again = raydist(*shlex.split(advice))
    assert again.err.startswith(f"{path}: torch, ")
    assert f"error: {path} fits no encoder.name" in again.err


def test_a_run_is_checked_by_its_folder(raydist, run_dir):
    result = raydist("weights", "check", f"{run_dir}@last", "--json")
    facts = result.json
    assert "nothing left out" in result.err
    assert (
        "training takes what comes behind the backbone along too: 5 tensors (neck 4, pooling 1)" in result.err
    )
    assert facts["taken_along"] == {"neck": 4, "pooling": 1}
    assert [row["name"] for row in facts["fits"]] == ["small"]
    assert facts["fits"][0]["give"] == f"encoder.name=small encoder.weights={run_dir}@last"


def test_the_checkpoint_of_a_run_may_be_given_apart(raydist, run_dir):
    at, apart = (
        raydist("weights", "check", *words, "--json")
        for words in ((f"{run_dir}@best",), (run_dir, "--checkpoint", "best"))
    )
    assert at.json == apart.json
    assert (at.json["checkpoint"], at.json["finished_run"]) == ("best", True)
    assert at.err.startswith(f"{run_dir}, after epoch ")
    assert at.err.splitlines()[0].endswith("(best, picked on the test split)")


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("{run}@70", 2, "error: {run}@70: no checkpoint of epoch 70"),
        ("{run}-gone@7", 2, "error: {run}-gone: no such run or file"),
        ("{run}-gone", 2, "error: {run}-gone: no such run or file"),
        ("{run}-gone.pth", 3, "error: weights {run}-gone.pth: no such file"),
    ],
)
def test_what_is_not_there_is_said_alike(raydist, run_dir, name, code, message):
    result = raydist("weights", "check", name.format(run=run_dir))
    assert result.code == code
    assert message.format(run=run_dir) in result.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["encoder.weights=/nowhere/w.pth"], 3, "no such file"),
        (["encoder.weights={file}"], 3, "do not fit encoder.name = small.*fits encoder.name = resnet18"),
        (["encoder.weights={run}", "encoder.name=resnet18"], 2, "the encoder of that run is small"),
        (["encoder.weights={run}@70"], 2, r"encoder\.weights = .*@70: no checkpoint of epoch 70; there are"),
        (["encoder.weights={run}-gone@7"], 2, r"encoder\.weights = .*-gone: no such run or file"),
        (["run.dir={run}/..", "run.name={name}"], 2, r"run\.name = .* exists; choose another name, or go on"),
    ],
)
def test_train_says_so_before_ray_starts(raydist, run_dir, tmp_path, monkeypatch, words, code, message):
    import re

    import ray

    monkeypatch.setattr(ray, "init", lambda *args, **more: pytest.fail("Ray was started"))
    file = save(RESNET18, tmp_path / "w.pth")
    start = time.monotonic()
    result = raydist(
        "train", "smoke", *(word.format(file=file, run=run_dir, name=run_dir.name) for word in words)
    )
    assert result.code == code
    assert re.search(message, result.err)
    assert time.monotonic() - start < 30


def test_a_small_file_is_enough_for_the_help(raydist, tmp_path):
    assert raydist("weights", "--help").code == 0
    path = save(SMALL, tmp_path / "s.pth")
    assert raydist("weights", "check", path).code == 0
