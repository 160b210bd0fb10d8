"""Whole runs in one process: equal bytes after a resume, and identities that leave no trace."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from raydist.data.training_set import Truth
from raydist.engine.checkpoint import load_encoder
from raydist.engine.inputs import open_inputs
from raydist.engine.loop import run_epoch
from raydist.engine.retrieval import evaluate_retrieval
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import with_values
from raydist.engine.state import build_state
from raydist.errors import TrainingError
from raydist.evaluation.directions import DIRECTIONS
from raydist.home import cache_folder
from raydist.methods.registry import METHODS
from raydist.tracking.tracker import NoTracker

QUICK = ("train.iterations=2", "train.batch_identities=3", "train.batch_instances=2", "evaluation.every=2")


def run(config, inputs, path: Path) -> RunFolder:
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    train_run(build_state(config, inputs), folder, NoTracker(), after_epoch=lambda report: None)
    return folder


@pytest.fixture(scope="module")
def finished(smoke, smoke_inputs, tmp_path_factory):
    config = smoke(*QUICK)
    return config, run(config, smoke_inputs, tmp_path_factory.mktemp("runs") / "whole")


def test_a_run_repeats_itself(finished, smoke_inputs, tmp_path, outcome):
    config, folder = finished
    assert outcome(run(config, smoke_inputs, tmp_path)) == outcome(folder)


def test_another_seed_gives_other_weights(finished, smoke, smoke_inputs, tmp_path, outcome):
    other = run(smoke(*QUICK, "run.seed=1"), smoke_inputs, tmp_path)
    assert outcome(other)["encoder.safetensors"] != outcome(finished[1])["encoder.safetensors"]


@pytest.mark.parametrize("stopped_after", [1, 2])
def test_a_run_stopped_after_any_epoch_ends_with_the_same_bytes(
    finished, smoke_inputs, tmp_path, stopped_after, outcome
):
    config, folder = finished
    state, part = build_state(config, smoke_inputs), RunFolder(tmp_path)

    def stop(report):
        if report.epoch == stopped_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(state, part, NoTracker(), after_epoch=stop)
    assert outcome(run(config, smoke_inputs, tmp_path)) == outcome(folder)


def test_a_damaged_checkpoint_is_passed_over(finished, smoke_inputs, tmp_path, caplog, outcome):
    config, folder = finished
    shutil.copytree(folder.path, tmp_path / "copy")
    newest = max((tmp_path / "copy" / "checkpoints").iterdir())
    (newest / "encoder.safetensors").write_bytes(b"short")
    assert outcome(run(config, smoke_inputs, tmp_path / "copy")) == outcome(folder)
    assert "encoder.safetensors is not what was written (5 bytes instead of" in caplog.text


def test_shuffled_identities_give_the_same_weights(finished, smoke_inputs, tmp_path, outcome):
    config, folder = finished
    shuffled = np.random.default_rng(0).permutation(smoke_inputs.truth.identity)
    assert not np.array_equal(shuffled, smoke_inputs.truth.identity)
    other = run(config, replace(smoke_inputs, truth=Truth(shuffled)), tmp_path)
    for name in (
        "encoder.safetensors",
        "memories.safetensors",
        "targets.safetensors",
        "optimizer.safetensors",
    ):
        assert outcome(other)[name] == outcome(folder)[name]


def renamed_copy(root: Path, to: Path) -> Path:
    """The data set with other identities in folder names, encoded names and rows, and the training rows in
    another order."""
    info = root / "info"
    old = sorted(
        {
            int(line.split()[3])
            for split in ("train", "test")
            for line in (info / f"track_{split}_info.txt").read_text().splitlines()
        }
    )
    new = dict(zip(old, (1000 + 7 * i for i in np.random.default_rng(1).permutation(len(old))), strict=True))
    for split in ("Train", "Test"):
        for folder in (root / split).iterdir():
            shutil.copytree(folder, to / split / f"{new[int(folder.name)]:04d}")
    (to / "info").mkdir()
    for split in ("train", "test"):
        names = (info / f"{split}_name.txt").read_text().splitlines()
        rows = [
            list(map(int, line.split()))
            for line in (info / f"track_{split}_info.txt").read_text().splitlines()
        ]
        order = np.random.default_rng(2).permutation(len(rows)) if split == "train" else range(len(rows))
        out_names, out_rows = [], []
        for number in order:
            modality, start, end, identity, camera = rows[number]
            first = len(out_names) + 1
            out_names += [f"{new[identity]:04d}{name[4:]}" for name in names[start - 1 : end]]
            out_rows.append(f"{modality} {first} {len(out_names)} {new[identity]} {camera}")
        (to / "info" / f"{split}_name.txt").write_text("\n".join(out_names) + "\n")
        (to / "info" / f"track_{split}_info.txt").write_text("\n".join(out_rows) + "\n")
    shutil.copy(info / "query_IDX.txt", to / "info")
    return to


def test_identities_renamed_on_disk_give_the_same_weights(finished, smoke, smoke_root, tmp_path, outcome):
    config, folder = finished
    root = renamed_copy(smoke_root, tmp_path / "renamed")
    other = smoke(*QUICK, "data.name=hitsz_vcm", f"data.root={root}")
    inputs = open_inputs(other, cache_folder())
    again = run(other, inputs, tmp_path / "run")
    for name in ("encoder.safetensors", "memories.safetensors", "targets.safetensors"):
        assert outcome(again)[name] == outcome(folder)[name]


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_runs_and_moves_the_weights(smoke, smoke_inputs, method):
    state = build_state(smoke(*QUICK, f"method.name={method}", "train.limit_epochs=1"), smoke_inputs)
    before = [p.detach().clone() for p in state.encoder.parameters()]
    reports = [run_epoch(state) for _ in range(state.plan.num_epochs)]
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert any(not (a == b).all() for a, b in zip(before, state.encoder.parameters(), strict=True))


def test_a_loss_that_is_no_number_stops_before_the_step(smoke, smoke_inputs, monkeypatch):
    state = build_state(smoke(*QUICK), smoke_inputs)
    for parameter in state.encoder.parameters():
        parameter.data.fill_(float("nan"))
    with pytest.raises((TrainingError, ValueError), match=r"nan|NaN"):
        run_epoch(state)


@pytest.fixture(scope="module")
def config_of(smoke):
    """The quick recipe on a manifest."""
    return lambda path, *words: smoke(*QUICK, "data.name=manifest", f"data.root={path}", *words)


def test_a_run_without_identities_and_queries_ends_with_the_same_encoder(config_of, smoke_manifest, tmp_path):
    known = config_of(smoke_manifest())
    scored = run(known, open_inputs(known, tmp_path), tmp_path / "scored")
    blind = config_of(smoke_manifest(identities=False, splits=False))
    inputs = open_inputs(blind, tmp_path)
    assert inputs.obstacle.reason == "no queries"
    unscored = run(blind, inputs, tmp_path / "unscored")
    (_, with_truth), (epoch, without) = (folder.checkpoints.newest() for folder in (scored, unscored))
    assert with_truth["encoder.safetensors"] == without["encoder.safetensors"]

    summary = unscored.summary()
    assert (summary.untrained, summary.last) == (None, None)
    assert summary.not_scored == inputs.obstacle.message
    assert set(summary.criteria["last"]) >= {"silhouette", "balance"}
    values = {report.epoch: report.criteria.get("silhouette") for report in unscored.reports()[1:]}
    assert summary.best.value == pytest.approx(max(values.values()), abs=1e-3)
    assert summary.best.epoch == max(values, key=values.get)
    assert summary.best.picked_on == "criterion silhouette"
    assert summary.best.epoch in unscored.checkpoints.epochs()
    assert json.loads((unscored.path / "summary.json").read_text())["best"]["epoch"] == summary.best.epoch

    state = build_state(known, open_inputs(known, tmp_path))
    load_encoder(state.encoder, without)
    assert evaluate_retrieval(state).retrieval == scored.summary().last
    assert len(list((unscored.path / "labels").iterdir())) == epoch


def test_an_unscored_run_that_was_stopped_remembers_its_criteria(
    config_of, smoke_manifest, tmp_path, outcome
):
    config = config_of(smoke_manifest(identities=False))
    inputs = open_inputs(config, tmp_path)
    assert inputs.obstacle.reason == "no identities"
    whole = run(config, inputs, tmp_path / "whole")

    def stop(report):
        if report.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(build_state(config, inputs), RunFolder(tmp_path), NoTracker(), after_epoch=stop)
    assert outcome(run(config, inputs, tmp_path)) == outcome(whole)
    assert RunFolder(tmp_path).summary().best == whole.summary().best


def test_a_label_free_search_needs_no_identities_to_hold_out(config_of, smoke_manifest, tmp_path):
    words = ("data.validation_identities=0.2", "evaluation.split=validation")
    inputs = open_inputs(config_of(smoke_manifest(identities=False), *words), tmp_path)
    assert inputs.obstacle.reason == "no identities"
    assert len(inputs.ranked) == 0
    held = open_inputs(config_of(smoke_manifest(), *words), tmp_path)
    assert held.obstacle is None
    assert len(held.tracklets) < len(inputs.tracklets)


def test_all_searches_of_a_data_set_are_in_every_file(smoke, image_set, tmp_path):
    words = ("data.frames=1", "data.sub_tracklets=1", "method.name=dcl", "train.limit_epochs=2", *QUICK)
    root = image_set("sysu_mm01")
    config = smoke("data.name=sysu_mm01", f"data.root={root}", *words, "evaluation.every=1")
    inputs = open_inputs(config, tmp_path / "cache")
    folder = run(config, inputs, tmp_path / "run")
    summary, rows = folder.summary(), folder.metrics.rows()
    assert list(summary.searches) == ["sysu_mm01_indoor"]
    indoor = summary.searches["sysu_mm01_indoor"]
    epochs = {"untrained": 0, "last": 2, "best": summary.best.epoch}
    by_epoch = {row["epoch"]: row["searches"]["sysu_mm01_indoor"] for row in rows}
    assert indoor == {encoder: by_epoch[epoch] for encoder, epoch in epochs.items()}
    assert set(summary.last) == set(DIRECTIONS)  # scripts read the run's own search where it always was

    named = with_values(config, [(("evaluation", "protocol"), "sysu_mm01_indoor")])
    alone = run(named, open_inputs(named, tmp_path / "cache"), tmp_path / "indoor").summary()
    assert (alone.untrained, alone.last) == (indoor["untrained"], indoor["last"])
    assert alone.searches["sysu_mm01"]["last"] == summary.last

    shutil.rmtree(folder.path / "checkpoints" / "epoch_0002")
    (folder.path / "summary.json").unlink()
    resumed = run(config, inputs, folder.path).summary()
    assert resumed.searches == summary.searches
