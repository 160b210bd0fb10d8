"""A run that starts from the encoder of another one, and everything about it that cannot be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch

from raydist.announcements import listening
from raydist.engine.loop import run_epoch
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.start import check_start, find_start, fix_starts, is_fresh, start_encoder
from raydist.engine.state import build_state
from raydist.errors import ConfigError, DataError
from raydist.tracking.tracker import NoTracker

SHORT = ("train.epochs=3", "train.iterations=1", "method.name=supervised", "evaluation.every=1")


@pytest.fixture(scope="module")
def source(smoke, smoke_inputs, tmp_path_factory) -> Path:
    """A run of three epochs, of one stem."""
    config = smoke(*SHORT)
    folder = RunFolder.create(tmp_path_factory.mktemp("runs"), "source", "x")
    folder.write("config.yaml", config.dump())
    train_run(build_state(config, smoke_inputs), folder, NoTracker(), after_epoch=lambda report: None)
    return folder.path


def copied(source: Path, tmp_path: Path) -> Path:
    return shutil.copytree(source, tmp_path / "copy")


def tensors(run: Path, epoch: int) -> dict[str, torch.Tensor]:
    read = safetensors.torch.load_file(run / "checkpoints" / f"epoch_{epoch:04d}" / "encoder.safetensors")
    return {name: value for name, value in read.items() if value.is_floating_point()}  # counters stay


def test_the_untrained_encoder_scores_as_the_run_it_starts_from(source, smoke, smoke_inputs, tmp_path):
    config = smoke(*SHORT, f"encoder.weights={source}", "run.seed=7")
    folder = RunFolder.create(tmp_path, "next", "x")
    train_run(build_state(config, smoke_inputs), folder, NoTracker(), after_epoch=lambda report: None)
    before, summary = RunFolder.open(source).summary(), folder.summary()
    assert before is not None
    assert summary is not None
    assert summary.untrained == before.last


@pytest.mark.parametrize("which", ["", "@last", "@3", "@2", "@best"])
def test_a_checkpoint_of_the_run_is_taken(source, smoke, which):
    best = RunFolder.open(source).summary().best.epoch
    epoch = {"": 3, "@last": 3, "@3": 3, "@2": 2, "@best": best}[which]
    encoder = start_encoder(smoke(f"encoder.weights={source}{which}"))
    assert all(torch.equal(value, encoder.state_dict()[n]) for n, value in tensors(source, epoch).items())


def test_best_is_known_before_the_end_of_the_run(source, tmp_path):
    run = copied(source, tmp_path)
    expected = find_start(f"{source}@best").epoch
    (run / "summary.json").unlink()
    assert find_start(f"{run}@best").epoch == expected
    (run / "summary.json").write_text("{}")
    assert find_start(f"{run}@best").epoch == expected
    (run / "summary.json").write_text("[]")
    with pytest.raises(DataError, match="does not say which epoch was the"):
        find_start(f"{run}@best")
    (run / "summary.json").unlink()
    checkpoints = RunFolder.open(run).checkpoints
    files = checkpoints.read(3)
    state = json.loads(files["state.json"]) | {"history": {}}
    checkpoints.write(3, files | {"state.json": json.dumps(state).encode()})
    with pytest.raises(DataError, match="no epoch of the run was evaluated"):
        find_start(f"{run}@best")


def test_the_driver_makes_a_number_of_last_and_best(source, smoke, tmp_path):
    best = RunFolder.open(source).summary().best.epoch
    said: list[str] = []
    words = ["", "@last", "@best", "@2", "@last"]
    with listening(said.append):
        configs = fix_starts(smoke(f"encoder.weights={source}{word}") for word in words)
    assert [config.encoder.weights for config in configs] == [f"{source}@{n}" for n in (3, 3, best, 2, 3)]
    assert fix_starts(configs) == configs
    assert fix_starts([smoke()]) == [smoke()]
    file = source / "checkpoints" / "epoch_0003" / "encoder.safetensors"
    assert fix_starts([smoke(f"encoder.weights={file}")])[0].encoder.weights == str(file)
    (line,) = said
    assert line.startswith(f"encoder.weights = {source}@best: epoch {best} of 3")
    assert line.endswith("last is the checkpoint to trust")


def test_a_run_that_has_not_ended_is_looked_up_once(source, smoke, tmp_path):
    run = copied(source, tmp_path)
    (run / "summary.json").unlink()
    hidden = (run / "checkpoints" / "epoch_0003").rename(tmp_path / "later")
    said: list[str] = []

    def two_configs():
        yield smoke(f"encoder.weights={run}@last")
        hidden.rename(run / "checkpoints" / "epoch_0003")  # the run goes on meanwhile
        yield smoke(f"encoder.weights={run}@last", "run.seed=9")

    with listening(said.append):
        first, second = fix_starts(two_configs())
    assert first.encoder == second.encoder
    assert first.encoder.weights == f"{run}@2"
    assert said == [
        f"encoder.weights = {run}@last: that run has not ended; epoch 2 of it is taken, also if it goes on"
    ]
    encoder = start_encoder(first)
    assert all(torch.equal(value, encoder.state_dict()[n]) for n, value in tensors(run, 2).items())


@pytest.mark.parametrize(("before", "said"), [(1, 0), (4, 1), ("all", 0)])
def test_a_start_of_another_split_of_the_same_data_is_warned_of(source, smoke, tmp_path, before, said):
    run, heard = copied(source, tmp_path), []
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("trial: 1\n", f"trial: {before}\n"))
    assert text.count("trial: 1\n") == 1
    weights = tmp_path / "w.safetensors" if before == "all" else run  # a file says nothing of its data
    if before == "all":
        shutil.copy(run / "checkpoints" / "epoch_0003" / "encoder.safetensors", weights)
    with listening(heard.append):
        fix_starts([smoke(f"encoder.weights={weights}")])
    warnings = [line for line in heard if line.startswith("warning")]
    assert len(warnings) == said
    assert all("trained on data.trial = 4 of synthetic, this run is on 1: " in line for line in warnings)


def test_one_stem_serves_two_and_two_are_not_made_one(source, smoke, smoke_inputs, tmp_path):
    two = smoke(*SHORT, f"encoder.weights={source}", "encoder.two_stream=true")
    state = build_state(two, smoke_inputs)
    stems = state.encoder.backbone.stems
    assert torch.equal(stems[0].conv1.weight, stems[1].conv1.weight)
    assert torch.equal(stems[0].conv1.weight, tensors(source, 3)["backbone.stems.0.conv1.weight"])
    folder = RunFolder.create(tmp_path, "two", "x")
    folder.write("config.yaml", two.dump())
    train_run(state, folder, NoTracker(), after_epoch=lambda report: None)
    again = start_encoder(smoke(f"encoder.weights={folder.path}", "encoder.two_stream=true"))
    assert all(torch.equal(value, again.state_dict()[n]) for n, value in tensors(folder.path, 3).items())
    with pytest.raises(ConfigError, match=r"a stem for each modality.*encoder\.two_stream=true"):
        check_start(smoke(f"encoder.weights={folder.path}").encoder)


@pytest.mark.parametrize(
    "word", ["encoder.pooling=mean", "encoder.pooling=gem", "encoder.temporal=attention"]
)
def test_after_another_pooling_the_neck_starts_anew(source, smoke, word):
    encoder = start_encoder(smoke(f"encoder.weights={source}", word))
    fresh = start_encoder(smoke(word))
    read = tensors(source, 3)
    assert torch.equal(
        encoder.backbone.trunk.layer3.bn2.running_mean, read["backbone.trunk.layer3.bn2.running_mean"]
    )
    for name, value in fresh.state_dict().items():
        if not name.startswith("backbone."):
            assert torch.equal(encoder.state_dict()[name], value)
    assert "without its pooling and neck" in check_start(smoke(f"encoder.weights={source}", word).encoder)
    assert "with its pooling and neck" in check_start(smoke(f"encoder.weights={source}").encoder)


def test_the_data_and_the_method_of_the_run_may_be_gone(source, smoke, tmp_path):
    run = copied(source, tmp_path)
    text = (run / "config.yaml").read_text()
    text = text.replace("name: supervised", "name: gone.away:Method").replace("root: null", "root: /gone")
    (run / "config.yaml").write_text(text.replace("name: synthetic", "name: hitsz_vcm"))
    (run / "labels").rename(tmp_path / "labels")
    encoder = start_encoder(smoke(f"encoder.weights={run}"))
    assert torch.equal(encoder.neck.norm.weight, tensors(source, 3)["neck.norm.weight"])


def test_a_run_of_another_encoder_is_refused_with_its_name(source, smoke):
    with pytest.raises(ConfigError, match=r"that run is small, not resnet18; set encoder\.name=small"):
        check_start(smoke(f"encoder.weights={source}", "encoder.name=resnet18").encoder)
    with pytest.raises(ConfigError, match="that run is small"):
        start_encoder(smoke(f"encoder.weights={source}", "encoder.name=resnet18"))


def test_the_encoder_of_a_checkpoint_is_a_file_of_weights_like_others(source, smoke):
    file = source / "checkpoints" / "epoch_0003" / "encoder.safetensors"
    config = smoke(f"encoder.weights={file}")
    assert "one stem, taken by names, prefix backbone. taken off; left out: 5 tensors" in check_start(
        config.encoder
    )
    encoder, read = start_encoder(config), tensors(source, 3)
    assert torch.equal(encoder.backbone.stems[0].bn1.weight, read["backbone.stems.0.bn1.weight"])
    assert not torch.equal(encoder.neck.norm.running_mean, read["neck.norm.running_mean"])


@pytest.mark.parametrize(
    ("which", "error", "message"),
    [
        ("@1", ConfigError, "copy@1: no checkpoint of epoch 1; there are those of "),
        ("@40", ConfigError, "copy@40: no checkpoint of epoch 40; there are those of "),
        ("@worst", ConfigError, "copy@worst: expected last, best or the number of an epoch"),
        ("@", ConfigError, "copy@: expected last, best or the number of an epoch"),
    ],
)
def test_other_checkpoints_are_refused(source, smoke, tmp_path, which, error, message):
    run = copied(source, tmp_path)
    shutil.rmtree(run / "checkpoints" / "epoch_0001", ignore_errors=True)
    with pytest.raises(error, match=message):
        find_start(f"{run}{which}")
    with pytest.raises(error, match=rf"encoder\.weights = {run.parent}/{message}"):
        check_start(smoke(f"encoder.weights={run}{which}").encoder)


def test_a_run_without_a_whole_checkpoint_is_refused(source, tmp_path):
    run = copied(source, tmp_path)
    (run / "checkpoints" / "epoch_0002" / "encoder.safetensors").write_bytes(b"x")
    with pytest.raises(DataError, match="not what was written"):
        find_start(f"{run}@2")
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(DataError, match="no whole checkpoint yet"):
        find_start(str(run))


def test_folders_and_files_that_are_not_there_are_named(smoke, tmp_path):
    for weights in (tmp_path / "nowhere", f"{tmp_path}/nowhere@best", f"{tmp_path}/nowhere@7", tmp_path):
        with pytest.raises(ConfigError, match="no such run or file; give a"):
            check_start(smoke(f"encoder.weights={weights}").encoder)
    for weights in (tmp_path / "nowhere.pth", f"{tmp_path}/nowhere@best.pth"):
        with pytest.raises(DataError, match="no such file"):
            check_start(smoke(f"encoder.weights={weights}").encoder)


def test_a_file_may_have_an_at_in_its_name(smoke, tmp_path):
    file = tmp_path / "small@best.pth"
    torch.save(start_encoder(smoke()).state_dict(), file)
    assert find_start(str(file)).file == file
    assert check_start(smoke(f"encoder.weights={file}").encoder).startswith(f"{file}: one stem")
    with pytest.raises(ConfigError, match=r"--checkpoint best is for the folder of a run, not for .*pth"):
        find_start(str(file), "best")


def test_what_is_taken_is_said_with_its_epoch(source, smoke, tmp_path):
    run = copied(source, tmp_path)
    assert f"{run}@2, after epoch 2 of 3: one stem" in check_start(smoke(f"encoder.weights={run}@2").encoder)
    (run / "summary.json").unlink()
    line = check_start(smoke(f"encoder.weights={run}").encoder)
    assert f"{run}, after epoch 3 (last), unfinished run: one stem" in line


def test_a_run_that_goes_on_does_not_need_the_source(source, smoke, smoke_inputs, tmp_path):
    gone = copied(source, tmp_path)
    config = smoke(*SHORT, f"encoder.weights={gone}")
    folder = RunFolder.create(tmp_path, "next", "x")
    folder.write("config.yaml", config.dump())
    assert folder.config().encoder.weights == str(gone)
    assert is_fresh(config, folder.checkpoints)
    train_run(build_state(config, smoke_inputs), folder, NoTracker(), after_epoch=lambda report: None)
    whole = folder.summary()
    shutil.rmtree(gone)
    shutil.rmtree(folder.path / "checkpoints" / "epoch_0003")
    assert not is_fresh(config, folder.checkpoints)
    state = build_state(config, smoke_inputs, fresh=False)
    train_run(state, folder, NoTracker(), after_epoch=lambda report: None)
    assert whole is not None
    assert folder.summary().last == whole.last
    with pytest.raises(ConfigError, match="no such run or file"):
        build_state(config, smoke_inputs)


def test_without_weights_nothing_is_said_and_nothing_changes(smoke, smoke_inputs):
    assert check_start(smoke().encoder) == ""
    assert run_epoch(build_state(smoke("train.iterations=1"), smoke_inputs)).epoch == 1


def test_runs_on_all_splits_are_not_one_encoder(smoke, tmp_path):
    (tmp_path / "config.yaml").write_text("data: {trial: all}\n")
    for weights in (tmp_path, f"{tmp_path}@best"):
        with pytest.raises(ConfigError, match=r"a run on each split .* name one of them, such as .*trial_01"):
            check_start(smoke(f"encoder.weights={weights}").encoder)


def test_an_encoder_of_papers_that_starts_from_nothing_is_spoken_of(smoke):
    assert "random values" in check_start(smoke("encoder.name=agw_resnet50").encoder)
