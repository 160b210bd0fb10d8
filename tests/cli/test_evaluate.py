import json
import shutil

import pytest


def test_the_scores_are_the_last_of_the_run(raydist, run_dir):
    result = raydist("evaluate", run_dir, "--json")
    assert result.code == 0
    summary = json.loads((run_dir / "summary.json").read_text())
    assert result.json["retrieval"] == summary["last"]
    assert (result.json["epoch"], result.json["protocol"]) == (summary["epochs"], "hitsz_vcm")


def test_the_table_shows_both_ways_and_chance(raydist, run_dir):
    result = raydist("evaluate", run_dir)
    assert "infrared -> visible" in result.out
    assert "visible -> infrared" in result.out
    assert "random order" in result.err


def test_protocol_and_data_can_be_changed(raydist, run_dir, smoke_root):
    plain = raydist("evaluate", run_dir, "evaluation.protocol=plain", "--json").json
    there = raydist("evaluate", run_dir, "data.name=hitsz_vcm", f"data.root={smoke_root}", "--json").json
    assert plain["protocol"] == "plain"
    assert there["retrieval"] == raydist("evaluate", run_dir, "--json").json["retrieval"]


@pytest.mark.ray
def test_workers_embed_and_rank_to_the_same_scores(raydist, run_dir):
    alone, shared = (raydist("evaluate", run_dir, "--json", "--workers", number) for number in (0, 2))
    assert alone.code == shared.code == 0
    assert {**shared.json, "retrieval": None} == {**alone.json, "retrieval": None}
    for direction, values in alone.json["retrieval"].items():
        assert shared.json["retrieval"][direction] == pytest.approx(values)


def test_held_out_identities_can_be_ranked(raydist, run_dir):
    words = ("data.validation_identities=0.4", "evaluation.split=validation", "evaluation.protocol=plain")
    assert raydist("evaluate", run_dir, *words, "--json").json["split"] == "validation"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train.lr=1"], "train.lr"),
        (["encoder.name=resnet18"], "encoder.name"),
        (["data.hight=64"], "did you mean 'height'"),
        (["evaluation.protocol=hitsz"], "did you mean 'hitsz_vcm'"),
        (["smoke"], "section.key=value"),
    ],
)
def test_other_changes_are_refused_by_name(raydist, run_dir, words, message):
    result = raydist("evaluate", run_dir, *words)
    assert result.code == 2
    assert message in result.err


def test_a_missing_root_is_bad_data(raydist, run_dir, tmp_path):
    result = raydist("evaluate", run_dir, "data.name=hitsz_vcm", f"data.root={tmp_path}/nowhere")
    assert result.code == 3
    assert "does not exist" in result.err


def test_a_folder_without_a_run_is_refused(raydist, tmp_path):
    result = raydist("evaluate", tmp_path)
    assert result.code == 2
    assert "holds no run" in result.err


def test_a_run_without_a_checkpoint_is_refused(raydist, run_dir, tmp_path):
    shutil.copy(run_dir / "config.yaml", tmp_path)
    result = raydist("evaluate", tmp_path)
    assert result.code == 1
    assert "no whole checkpoint" in result.err


def test_weights_that_are_gone_are_not_needed(raydist, run_dir, tmp_path):
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    text = (copy / "config.yaml").read_text()
    assert "weights: null" in text
    (copy / "config.yaml").write_text(text.replace("weights: null", "weights: /gone/resnet.pth"))
    assert raydist("evaluate", copy).code == 0


def test_data_that_cannot_be_scored_are_refused_with_the_reason(raydist, run_dir, smoke_manifest):
    for known, reason in (
        ({"identities": False}, "has an identity, and scores need people who are in both"),
        ({"splits": False}, "no row has split 'query'"),
    ):
        result = raydist("evaluate", run_dir, "data.name=manifest", f"data.root={smoke_manifest(**known)}")
        assert result.code == 3
        assert "error: manifest cannot be scored: " in result.err
        assert reason in result.err


def test_the_best_checkpoint_has_the_best_scores(raydist, run_dir):
    best = json.loads((run_dir / "summary.json").read_text())["best"]
    for words in ((f"{run_dir}@best",), (run_dir, "--checkpoint", "best")):
        result = raydist("evaluate", *words, "--json")
        scores = {direction: best[direction] for direction in result.json["retrieval"]}
        assert result.json["retrieval"] == scores
        facts = ("epoch", "checkpoint", "finished_run", "folder")
        assert [result.json[fact] for fact in facts] == [best["epoch"], "best", True, str(run_dir)]
        assert f"by {run_dir} after epoch {best['epoch']} of " in result.err


def test_an_unfinished_run_is_said_to_be_one(raydist, run_dir, tmp_path):
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    (copy / "summary.json").unlink()
    result = raydist("evaluate", copy, "--json")
    assert f"after epoch {result.json['epoch']} (last), unfinished run" in result.err
    assert result.json["finished_run"] is False


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{run}@70"], "{run}@70: no checkpoint of epoch 70; there are those of "),
        (["{run}", "--checkpoint", "70"], "{run}@70: no checkpoint of epoch 70; there are those of "),
        (
            ["{run}", "--checkpoint", "worst"],
            "--checkpoint worst: expected last, best or the number of",
        ),
        (["{run}@worst"], "{run}@worst: expected last, best or the number of an epoch"),
        (["{run}-gone@best"], "{run}-gone holds no run"),
    ],
)
def test_checkpoints_that_are_not_there_are_bad_usage(raydist, run_dir, words, message):
    result = raydist("evaluate", *(word.format(run=run_dir) for word in words))
    assert result.code == 2
    assert f"error: {message.format(run=run_dir)}" in result.err


def test_runs_on_all_splits_are_refused_with_the_name_of_one(raydist, splits_dir):
    result = raydist("evaluate", splits_dir)
    assert result.code == 2
    assert f"name one of them, such as {splits_dir / 'trial_01'}" in result.err
