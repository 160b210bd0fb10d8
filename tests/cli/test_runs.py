"""`raydist runs`: a list, one run, several side by side."""

import json
import shutil

import pytest

from raydist.engine.environment import describe_environment
from raydist.engine.run_folder import RunFolder
from raydist.engine.splits import SplitsFolder
from raydist.evaluation.headings import METRICS


@pytest.fixture
def root(run_dir, tmp_path):
    """A folder with two runs, and with what is none."""
    root = tmp_path / "runs"
    for name in ("first", "second"):
        shutil.copytree(run_dir, root / name)
        RunFolder(root / name).write("environment.json", describe_environment())
    config = (root / "second" / "config.yaml").read_text()
    (root / "second" / "config.yaml").write_text(config.replace("lr: 0.002", "lr: 0.5"))
    (root / "photos").mkdir()
    shutil.copytree(run_dir, root / "broken")
    (root / "broken" / "metrics.jsonl").write_text("{\n{}\n")
    (root / "a file").write_text("x")
    return root


def test_runs_are_listed_and_the_rest_is_named(raydist, root):
    result = raydist("runs", "ls", root, "--json")
    assert result.code == 0
    assert [run["name"] for run in result.json["runs"]] in (["first", "second"], ["second", "first"])
    assert list(result.json["skipped"]) == ["broken", "photos"]
    assert "metrics.jsonl is damaged" in result.json["skipped"]["broken"]
    assert "config.yaml" in result.json["skipped"]["photos"]
    run = result.json["runs"][0]
    summary = json.loads((root / "first" / "summary.json").read_text())
    assert (run["method"], run["data"], run["state"], run["epochs"]) == ("cba", "synthetic", "finished", 3)
    assert run["map"] == {way: summary["last"][way]["map"] for way in run["map"]}
    assert len(run["map"]) == 2
    people = raydist("runs", "ls", root)
    assert people.code == 0
    assert "skipped photos: " in people.err
    assert "2 runs in" in people.err
    assert all(word in people.out for word in ("first", "second", "finished", "cba"))


def test_a_folder_that_is_not_there_is_refused(raydist, tmp_path):
    result = raydist("runs", "ls", tmp_path / "nowhere", "--json")
    assert (result.code, result.json["error"]["kind"]) == (2, "config")


def test_an_empty_folder_has_no_runs(raydist, tmp_path):
    result = raydist("runs", "ls", tmp_path)
    assert (result.code, result.out, result.err) == (0, "", f"0 runs in {tmp_path}\n")


def test_the_usual_folder_is_that_of_the_runs(raydist, root, monkeypatch):
    monkeypatch.chdir(root.parent)
    monkeypatch.setenv("RAYDIST_HOME", str(root.parent))
    assert len(raydist("runs", "ls", "--json").json["runs"]) == 2


def test_a_run_is_shown_with_all_that_is_known(raydist, root):
    result = raydist("runs", "show", root / "first", "--json")
    assert result.code == 0
    facts = result.json
    assert facts["entry"]["name"] == "first"
    assert list(facts["scores"]) == ["untrained", "last", "best"]
    assert facts["changed"]["train.lr"] == 0.002
    assert facts["checkpoints"] == [2, 3] or 3 in facts["checkpoints"]
    assert facts["files"]["config.yaml"] == (root / "first" / "config.yaml").stat().st_size
    assert facts["source"]["raydist"]
    people = raydist("runs", "show", root / "first")
    assert people.code == 0
    for word in ("commit", "command", "train.lr", "untrained", "last", "best", "checkpoints", "summary.json"):
        assert word in people.out


def test_an_unknown_run_is_refused_with_those_that_there_are(raydist, root):
    result = raydist("runs", "show", root / "frist", "--json")
    assert result.code == 2
    message = result.json["error"]["message"]
    assert message.startswith(f"{root / 'frist'} holds no run: expected a folder with config.yaml")
    assert "did you mean 'first'" in message
    assert "broken, first, second" in message
    assert raydist("evaluate", root / "frist", "--json").json["error"] == result.json["error"]


def test_runs_are_compared_by_scores_and_by_what_differs(raydist, root):
    result = raydist("runs", "compare", root / "first", root / "second", "--json")
    assert result.code == 0
    assert result.json["differences"] == {"train.lr": [0.002, 0.5]}
    assert [run["entry"]["name"] for run in result.json["runs"]] == ["first", "second"]
    people = raydist("runs", "compare", root / "first", root / "second")
    assert "train.lr" in people.out
    same = raydist("runs", "compare", root / "first", root / "first")
    assert "their configurations are the same" in same.out


def test_one_run_is_not_compared(raydist, root):
    assert raydist("runs", "compare", root / "first").code == 2


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"command": 5}, "command"),
        ({"command": [1, 2]}, "command: 0"),
        ({"gpus": 5}, "gpus"),
        ({"gpus": ["a", None]}, "gpus: 1"),
        ({"data": 5}, "data"),
        ({"data": {"x": 1}}, "data: name: field required"),
        ({"data": {"name": "a", "digest": "b", "root": "c"}}, "data: tracklets: field required"),
        ({"started": 5}, "started"),
        ({"host": []}, "host"),
    ],
)
def test_an_environment_of_another_shape_is_one_error(raydist, root, content, place):
    (root / "first" / "environment.json").write_text(json.dumps(content))
    result = raydist("runs", "show", root / "first", "--json")
    assert result.code == 1
    assert f"{root}/first/environment.json is damaged ({place}" in result.json["error"]["message"]
    listed = raydist("runs", "ls", root, "--json").json
    assert [run["name"] for run in listed["runs"]] == ["second"]
    assert f"environment.json is damaged ({place}" in listed["skipped"]["first"]


@pytest.mark.parametrize("encoder", ["untrained", "last", "best"])
@pytest.mark.parametrize("measure", METRICS)
def test_scores_without_a_measure_are_one_error(raydist, root, encoder, measure):
    file = root / "first" / "summary.json"
    content = json.loads(file.read_text())
    del content[encoder]["visible_to_infrared"][measure]
    file.write_text(json.dumps(content))
    reason = f"{file} is damaged ({encoder}: visible_to_infrared: {measure}: field required)"
    assert reason in raydist("runs", "show", root / "first", "--json").json["error"]["message"]
    assert reason in raydist("runs", "ls", root, "--json").json["skipped"]["first"]
    people = raydist("runs", "ls", root)
    assert people.code == 0
    assert f"skipped first: {reason}" in people.err


def test_scores_of_no_direction_and_best_scores_of_their_own_are_read_or_refused(raydist, root):
    file = root / "first" / "summary.json"
    content = json.loads(file.read_text())
    content["best"]["scores"] = {"odd": {}}
    file.write_text(json.dumps(content))
    assert raydist("runs", "show", root / "first").code == 0
    content["last"]["sideways"] = content["last"]["visible_to_infrared"]
    file.write_text(json.dumps(content))
    result = raydist("runs", "show", root / "first", "--json")
    assert "last: sideways: expected infrared_to_visible or" in result.json["error"]["message"]


def test_checkpoints_that_are_a_link_to_themselves_are_one_error(raydist, root):
    shutil.rmtree(root / "first" / "checkpoints")
    (root / "first" / "checkpoints").symlink_to("checkpoints")
    result = raydist("runs", "show", root / "first", "--json")
    assert result.code == 1
    assert f"the checkpoints {root}/first/checkpoints cannot be read" in result.json["error"]["message"]
    assert sorted(run["name"] for run in raydist("runs", "ls", root, "--json").json["runs"]) == [
        "first",
        "second",
    ]


def test_a_path_that_is_not_utf_8_is_one_error(raydist, root):
    odd = root.parent / "s\udcff"
    root.rename(odd)
    result = raydist("runs", "show", odd / "first", "--json")
    assert (result.code, result.json["error"]["kind"]) == (1, "checkpoint")
    assert "is not UTF-8; rename that folder" in result.json["error"]["message"]
    assert len(raydist("runs", "ls", odd, "--json").json["skipped"]) == 4
    assert raydist("search", odd / "f.parquet", "--query", "t").code == 3
    (odd / "f\udcff.parquet").write_bytes(b"x")
    assert (
        "its name is not UTF-8; rename it" in raydist("search", odd / "f\udcff.parquet", "--query", "t").err
    )


def test_the_mean_over_the_finished_splits_is_shown(raydist, run_dir, smoke, image_set, tmp_path):
    data = ("data.name=regdb", f"data.root={image_set('regdb')}", "data.trial=all", "data.frames=1")
    whole = SplitsFolder.create(smoke(*data, "data.sub_tracklets=1", f"run.dir={tmp_path}", "run.name=whole"))
    empty = raydist("runs", "show", whole.path)
    assert empty.code == 2
    assert f"no split is finished yet; go on with: python -m raydist.train --resume {whole.path}" in empty.err
    for trial in (1, 3):
        whole.run_folder(trial).path.mkdir()
        shutil.copy(run_dir / "summary.json", whole.run_folder(trial).path)
    assert "mean ± spread over 2 of 10 splits" in raydist("runs", "show", whole.path).out
    result = raydist("runs", "show", whole.path, "--json").json
    assert (result["trials"], result["num_trials"]) == ([1, 3], 10)
    assert result["last"] == json.loads((run_dir / "summary.json").read_text())["last"]
    _check_listed(raydist, whole, tmp_path)


def _check_listed(raydist, whole, root):
    """The whole stands in the list, without a mean, with one over some splits, and with one over all."""
    (before,) = raydist("runs", "ls", root, "--json").json["runs"]
    assert (before["name"], before["state"], before["splits"], before["map"]) == ("whole", "stopped", 0, {})
    summary = whole.summary().as_dict()
    for trials, state in (([1, 3], "stopped"), (list(range(1, 11)), "finished")):
        whole.whole.write("summary.json", summary | {"trials": trials})
        (entry,) = raydist("runs", "ls", root, "--json").json["runs"]
        assert (entry["state"], entry["splits"], entry["epochs"]) == (state, len(trials), summary["epochs"])
        assert entry["map"] == {way: of_way["map"] for way, of_way in summary["last"].items()}
    assert "regdb, 10 splits" in " ".join(raydist("runs", "ls", root).out.split())
